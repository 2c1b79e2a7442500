import type { Fact } from '../history/facts.ts';
import { factsOf, type HandleRecord } from './handles.ts';
import type { IdleTimes } from './idle-times.ts';
import type { QuietTimes } from './quiet-times.ts';
import type { Violation } from './violation.ts';

/**
 * What was tried once before a promise settled goes on in the background: a request that hangs, a pause and one more
 * request, once Consul can be reached.
 */
const TIDIED_WITHIN_MS = 2_500;

/**
 * Rule d, while the run goes on: a key is not held by an attempt that came to nothing, or by a handle that was given back.
 * A session of the user's own is not ours to end, so that a late attempt on it is only found later.
 */
export function nothingBehind(
  facts: readonly Fact[],
  handles: readonly HandleRecord[],
  quiet: QuietTimes,
  idle: IdleTimes,
): Violation[] {
  const byId = new Map(handles.map((handle) => [handle.id, handle]));
  const killings = new Map(
    factsOf(facts, 'exited')
      .filter(({ how }) => how !== '0')
      .map(({ process, at }) => [process, at]),
  );
  const complaints = new Map<string, Violation>();
  for (const { at, before, key, holder } of factsOf(facts, 'key-seen')) {
    const handle = byId.get(holder);
    const over = handle && overAt(handle);
    if (!handle || over === undefined || handle.adopted || (killings.get(handle.process) ?? Infinity) < at)
      continue;
    const what = `${key} is held by ${holder}, which was over ${(before - over).toFixed(0)} ms ago`;
    // That it was given back needs no time to come true.
    if (
      over < before &&
      handle.calls.some(({ call, answer }) => call === 'release' && answer?.value === true)
    ) {
      complaints.set(`${key} ${holder}`, { rule: 'd', at, what });
      continue;
    }
    const since = before - TIDIED_WITHIN_MS;
    if (over > since || !quiet.isQuiet(handle.process, { from: since, to: at })) continue;
    if (idle.runningMs(handle.process, { from: since, to: before }) < 0.9 * TIDIED_WITHIN_MS) continue;
    complaints.set(`${key} ${holder}`, { rule: 'd', at, what });
  }
  return [...complaints.values()];
}

/** From when on nothing of it may be in Consul; undefined when it was never said to be over. */
function overAt({ settled, calls }: HandleRecord): number | undefined {
  if (settled?.outcome !== 'acquired') return settled?.at;
  return calls.find(({ call, answer }) => call === 'release' && answer?.value !== undefined)?.ended;
}
