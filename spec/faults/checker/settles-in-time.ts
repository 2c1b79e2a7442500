import type { Fact } from '../history/facts.ts';
import { factsOf, type HandleRecord } from './handles.ts';
import type { IdleTimes } from './idle-times.ts';
import type { Violation } from './violation.ts';

const SLACK_MS = 500;

interface Promised {
  readonly what: string;
  readonly process: string;
  readonly begun: number;
  readonly ended: number | undefined;
  readonly limitMs: number;
}

/**
 * Rule c: no promise settles later than its limit and half a second, the times not counted in which its process did not
 * run. What never settled is counted up to the end of its process.
 */
export function settlesInTime(
  facts: readonly Fact[],
  handles: readonly HandleRecord[],
  idle: IdleTimes,
): { violations: Violation[]; longestOverrunMs: number; promises: number } {
  const ends = new Map(factsOf(facts, 'exited').map(({ process, at }) => [process, at]));
  const historyEnd = facts.at(-1)?.at ?? 0;
  const promises = handles.flatMap(promisesOf);
  const violations: Violation[] = [];
  let longestOverrunMs = -Infinity;
  for (const { what, process, begun, ended, limitMs } of promises) {
    const to = ended ?? ends.get(process) ?? historyEnd;
    const overrunMs = idle.runningMs(process, { from: begun, to }) - limitMs;
    longestOverrunMs = Math.max(longestOverrunMs, overrunMs);
    if (overrunMs <= SLACK_MS) continue;
    const how = ended === undefined ? 'had not settled' : 'settled';
    violations.push({
      rule: 'c',
      at: to,
      what: `${what} ${how} ${overrunMs.toFixed(0)} ms after its ${limitMs} ms`,
    });
  }
  return { violations, longestOverrunMs, promises: promises.length };
}

function promisesOf({ id, process, verb, begun, limitMs, settled, calls }: HandleRecord): Promised[] {
  return [
    { what: `${verb} of ${id}`, process, begun, ended: settled?.at, limitMs },
    ...calls.map((call) => ({ ...call, what: `${call.call} of ${id}`, ended: call.ended })),
  ];
}
