import { contenderOf, type Fact } from '../history/facts.ts';
import { factsOf, meet, type Interval } from './handles.ts';
import { LAB_LATE_MS } from './quiet-times.ts';

/** On its way through a healthy line, a request comes by within this time. */
const EDGE_MS = 50;

/**
 * When whatever a contender asked was seen by its line, be it answered or not. Not so while the line refuses or resets
 * connections, or while there is no agent behind it.
 */
export class Reach {
  readonly #all: Interval[] = [];
  readonly #ofContender = new Map<string, Interval[]>();
  readonly #elections: readonly Interval[];

  constructor(facts: readonly Fact[]) {
    const ends = new Map(factsOf(facts, 'healed').map(({ number, at }) => [number, at]));
    for (const { fault, target, number, at } of factsOf(facts, 'fault')) {
      if (fault === 'refuse' || fault === 'reset')
        this.#add(target, { from: at, to: ends.get(number) ?? Infinity });
    }
    for (const { contender, before, at } of factsOf(facts, 'turned-away'))
      this.#add(contender, { from: before, to: at });
    for (const { before, at } of factsOf(facts, 'lab-blocked')) {
      if (at - before > LAB_LATE_MS) this.#all.push({ from: before, to: at });
    }
    this.#elections = factsOf(facts, 'election').map(({ before, at }) => ({ from: before, to: at }));
  }

  isOpen(process: string, time: Interval): boolean {
    const closed = [...this.#all, ...(this.#ofContender.get(contenderOf(process)) ?? [])];
    return !closed.some((interval) => meet(interval, time));
  }

  hadElection(time: Interval): boolean {
    return this.#elections.some((election) => meet(election, time));
  }

  #add(contender: string, { from, to }: Interval): void {
    const times = this.#ofContender.get(contender) ?? [];
    times.push({ from: from - EDGE_MS, to: to + EDGE_MS });
    this.#ofContender.set(contender, times);
  }
}
