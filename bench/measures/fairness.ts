import { mean } from './statistics.ts';

/**
 * How many callers were overtaken by somebody who had called later. `served` are the tickets, counted up from 0 at each
 * call, in the order in which they were served; a ticket that is missing is one that still waits.
 */
export function overtaken(served: readonly number[]): number {
  let latest = -1;
  let late = 0;
  for (const ticket of served) {
    if (ticket < latest) late += 1;
    else latest = ticket;
  }
  return late + (latest + 1 - served.length);
}

/** What the least served had, as a part of its fair share: 1 is what everybody should have. */
export function smallestShare(counts: readonly number[]): number {
  return Math.min(...counts) / mean(counts);
}

/** The worst wait in mean rounds, a round being the time between two turns of the same caller. */
export function waitInRounds(worstWaitMs: number, callers: number, locksPerSecond: number): number {
  return worstWaitMs / ((callers / locksPerSecond) * 1_000);
}
