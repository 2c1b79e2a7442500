import pRetry from 'p-retry';
import type { Clock } from './clock.ts';
import { sleep } from './sleep.ts';
import { isTransient } from './consul-failure.ts';
import type { ConsulRequestError } from './errors.ts';
import type { StopSignal } from './stop.ts';

const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 1_000;

export interface RetryOptions {
  readonly clock: Clock;
  /** How much time is left for another attempt; asked after each failure. */
  readonly remainingMs: () => number;
  readonly signal?: StopSignal | undefined;
  readonly keepProcessAlive?: boolean;
  readonly onFailure?: (error: ConsulRequestError, attempt: number) => void;
}

/**
 * Repeats what failed for a passing reason, with a delay drawn anew each time from zero to a bound that doubles ("full
 * jitter"), and once more when the time is over. Rejects with the last failure, or with the signal's reason.
 */
export function retryTransient<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  // All that is not repeated goes without the machinery of repeating.
  return attempt().catch(async (error: unknown) => await repeat(attempt, error, options));
}

async function repeat<T>(
  attempt: () => Promise<T>,
  firstError: unknown,
  { clock, remainingMs, signal, keepProcessAlive = true, onFailure }: RetryOptions,
): Promise<T> {
  let failure: { readonly error: unknown } | undefined = { error: firstError };
  const attemptAgain = async (): Promise<T> => {
    if (!failure) return await attempt();
    const { error } = failure;
    failure = undefined;
    throw error;
  };
  try {
    return await pRetry(attemptAgain, {
      retries: Infinity,
      minTimeout: 0,
      maxTimeout: 0,
      async shouldRetry({ error, attemptNumber }) {
        if (signal?.aborted === true || !isTransient(error)) return false;
        onFailure?.(error, attemptNumber);
        const leftMs = remainingMs();
        if (leftMs <= 0) return false;
        const delayMs = Math.min(jittered(attemptNumber), leftMs);
        await sleep(clock, delayMs, { signal, keepProcessAlive });
        return true;
      },
    });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/** `retryTransient` for requests that have `retryTimeoutMs` and nothing else to wait for. */
export function retryWithin<T>(
  { waitingClock: clock, retryTimeoutMs }: { waitingClock: Clock; retryTimeoutMs: number },
  attempt: () => Promise<T>,
): Promise<T> {
  const began = clock.read();
  return retryTransient(attempt, {
    clock,
    remainingMs: () => retryTimeoutMs - clock.elapsedSince(began),
  });
}

/** A delay between zero and a bound that doubles with every attempt. */
export function jittered(
  attempt: number,
  { firstMs = FIRST_DELAY_MS, longestMs = LONGEST_DELAY_MS }: { firstMs?: number; longestMs?: number } = {},
): number {
  return Math.random() * Math.min(longestMs, firstMs * 2 ** Math.min(attempt - 1, 30));
}
