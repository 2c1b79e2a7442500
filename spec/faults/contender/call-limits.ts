import type { HandleCall } from '../history/facts.ts';
import { REQUEST_TIMEOUT_MS, RETRY_TIMEOUT_MS } from '../laboratory/terms.ts';

/**
 * Within which a handle's calls settle. For `release` API.md says it. For the others it follows: transient failures are
 * retried for `retryTimeoutMs`, and the last retry begins no later than that and consists of requests each of which ends
 * within `requestTimeoutMs`.
 *
 * - `verify`: reads the keys and, when one is not ours, its session.
 * - `renew`: renews, then verifies.
 * - `transaction`: one request, never sent again unless it was refused for sure; a refusal is verified, and then there may
 *   be one more round.
 */
export const CALL_LIMITS_MS: Record<HandleCall, number> = {
  release: RETRY_TIMEOUT_MS + REQUEST_TIMEOUT_MS,
  verify: RETRY_TIMEOUT_MS + 2 * REQUEST_TIMEOUT_MS,
  renew: RETRY_TIMEOUT_MS + 3 * REQUEST_TIMEOUT_MS,
  transaction: 2 * (REQUEST_TIMEOUT_MS + RETRY_TIMEOUT_MS + 2 * REQUEST_TIMEOUT_MS),
};
