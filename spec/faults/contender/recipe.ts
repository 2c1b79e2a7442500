import type { AcquireOptions, LockOptions } from '../../../lib/index.ts';
import type { Attempt } from '../history/facts.ts';
import type { Seeded } from '../laboratory/seeded.ts';
import {
  BUSY_KEYS,
  QUIET_KEYS,
  LONGEST_LOCK_DELAY_MS,
  REQUEST_TIMEOUT_MS,
  RETRY_TIMEOUT_MS,
  TTLS_MS,
} from '../laboratory/terms.ts';

/** What a caller is going to do with a lock. */
export interface Recipe extends Omit<Attempt, 'limitMs'> {
  readonly options: LockOptions;
  readonly acquireTimeoutMs: number;
  /** When the waiting is cancelled. */
  readonly abortAfterMs: number | undefined;
  readonly workMs: number;
  readonly readsSignal: boolean;
  /** Left to its TTL instead of being given back. */
  readonly forgets: boolean;
}

export function drawRecipe(random: Seeded, run: string): Recipe {
  const ttlMs = random.pick(TTLS_MS);
  const adopted = random.chance(0.05);
  const lockDelayMs =
    !adopted && random.chance(0.15) ? Math.min(ttlMs + random.pick([0, 500]), LONGEST_LOCK_DELAY_MS) : 0;
  const renew = random.chance(0.4) ? true : random.chance(0.2) && { maxHoldMs: random.between(1_500, 3_000) };
  const worksTooLong = random.chance(0.08);
  return {
    verb: random.pick(['hold', 'hold', 'acquire', 'acquire', 'tryAcquire'] as const),
    keys: random
      .shuffled<string>(random.chance(0.55) ? BUSY_KEYS : QUIET_KEYS)
      .slice(0, random.chance(0.2) ? 2 : 1),
    ttlMs,
    lockDelayMs,
    adopted,
    acquireTimeoutMs: random.chance(0.3) ? 0 : random.between(200, random.pick([1_000, 4_000])),
    abortAfterMs: random.chance(0.12) ? random.between(0, 1_200) : undefined,
    workMs: worksTooLong ? random.between(ttlMs, 1.7 * ttlMs) : random.between(5, random.pick([60, 400])),
    readsSignal: random.chance(0.6),
    // Who ends a session of its own has to have given back what it held.
    forgets: renew === false && !adopted && random.chance(0.02),
    options: {
      lockTimeoutMs: ttlMs,
      minLockTimeoutMs: 100,
      lockDelayMs,
      renew,
      behavior: random.chance(0.2) ? 'release' : 'delete',
      sessionName: run,
      lockKeyPattern: `locks/${run}/%s`,
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      retryTimeoutMs: RETRY_TIMEOUT_MS,
    },
  };
}

/** API.md, section 2: it settles within the time for retries plus twice the limit of a request. */
export function acquireLimitMs(acquireTimeoutMs: number): number {
  return Math.max(acquireTimeoutMs, RETRY_TIMEOUT_MS) + 2 * REQUEST_TIMEOUT_MS;
}

export function acquireOptions(recipe: Recipe): AcquireOptions {
  return {
    acquireTimeoutMs: recipe.acquireTimeoutMs,
    ...(recipe.abortAfterMs !== undefined && { signal: AbortSignal.timeout(recipe.abortAfterMs) }),
  };
}
