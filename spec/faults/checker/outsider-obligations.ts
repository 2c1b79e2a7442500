import { beliefOf, type HandleRecord } from './handles.ts';
import type { IdleTimes } from './idle-times.ts';
import type { QuietTimes } from './quiet-times.ts';
import type { Removals } from './removals.ts';
import type { Violation } from './violation.ts';

/** With `signal` read and an agent in reach, a holder learns of its loss within this time. */
const LEARNS_WITHIN_MS = 1_000;
/** A watch that was troubled before pauses for a second at most before it looks again, and then a look takes its time. */
const QUIET_BEFORE_MS = 2_000;

/** What the exception of rule a demands of a holder from whom an outsider took the lock; and how much was proven. */
export function outsiderObligations(
  handles: readonly HandleRecord[],
  removals: Removals,
  quiet: QuietTimes,
  idle: IdleTimes,
): { violations: Violation[]; learned: number; answered: number } {
  const violations: Violation[] = [];
  let [learned, answered] = [0, 0];
  for (const handle of handles) {
    for (const { before, at, session, what: removed } of handle.acquired ? removals.certainOf(handle) : []) {
      const complain = (when: number, what: string): void =>
        void violations.push({
          rule: 'a',
          at: when,
          what: `${handle.id}, deprived of ${session} by an outsider, ${what}`,
        });
      for (const { call, begun, ended, answer } of handle.calls) {
        if (begun < at || ended === undefined) continue;
        // Once a try to give back was not answered, a key that is gone may be gone by that try: the session tells no more.
        const isInDoubt =
          call === 'release' &&
          removed === 'key' &&
          !quiet.isQuiet(handle.process, { from: begun, to: ended });
        if (isInDoubt) continue;
        answered++;
        if (answer?.value === true) complain(ended, `was told by ${call} that it was still its own`);
        if (answer?.registers) complain(ended, 'made a transaction');
      }
      const isWatched = handle.watchedAt !== undefined && handle.watchedAt < before;
      if (
        !isWatched ||
        !quiet.isQuiet(handle.process, { from: before - QUIET_BEFORE_MS, to: at + LEARNS_WITHIN_MS })
      ) {
        continue;
      }
      if (handle.lostAt !== undefined) learned++;
      const believedUntil = beliefOf(handle)?.to ?? 0;
      if (idle.runningMs(handle.process, { from: at, to: believedUntil }) > LEARNS_WITHIN_MS) {
        complain(believedUntil, `did not learn of it within ${LEARNS_WITHIN_MS} ms`);
      }
    }
  }
  return { violations, learned, answered };
}
