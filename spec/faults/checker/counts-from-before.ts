import type { HandleRecord } from './handles.ts';
import type { Requests } from './requests.ts';
import type { Violation } from './violation.ts';

/** Both clocks are the machine's, read in two processes. */
const SLACK_MS = 1;

/**
 * Rule b2: a deadline counts from before its request. What a holder was told to have left ends no later than a TTL after
 * the line saw the last request arrive that started the TTL and that was answered to the holder by then.
 */
export function countsFromBefore(
  handles: readonly HandleRecord[],
  requests: Requests,
): { violations: Violation[]; looks: number } {
  const violations: Violation[] = [];
  let looks = 0;
  for (const { id, acquired, ttlMs, samples } of handles) {
    if (!acquired) continue;
    const starts = startsOf(requests, acquired.session);
    let next = 0;
    let start: number | undefined;
    let worst: Violation | undefined;
    let worstMs = SLACK_MS;
    for (const { before, at, held, remainingMs } of samples) {
      for (; next < starts.length && starts[next]!.answeredAt <= at; next++) {
        start = Math.max(start ?? -Infinity, starts[next]!.seenAt);
      }
      if (!held || start === undefined) continue;
      looks++;
      const tooLongMs = before + remainingMs - (start + ttlMs);
      if (tooLongMs <= worstMs) continue;
      worstMs = tooLongMs;
      const what = `${id} was told to have ${remainingMs} ms left, ${tooLongMs.toFixed(1)} ms more than a TTL of ${ttlMs} ms from before the request that started it`;
      worst = { rule: 'b', at, what };
    }
    if (worst) violations.push(worst);
  }
  return { violations, looks };
}

/** In the order in which they were answered. */
function startsOf(requests: Requests, session: string): { seenAt: number; answeredAt: number }[] {
  return [...requests.of(session, 'create'), ...requests.of(session, 'renew')]
    .filter(({ status, passedAt }) => status === 200 && passedAt !== undefined)
    .map(({ before, passedAt }) => ({ seenAt: before, answeredAt: passedAt! }))
    .toSorted((one, other) => one.answeredAt - other.answeredAt);
}
