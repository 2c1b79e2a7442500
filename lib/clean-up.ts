import type { Clock } from './clock.ts';
import { systemClock } from './system-clock.ts';
import type { CallLimits } from './consul-gate.ts';
import type { Lane } from './lanes.ts';
import { lifecycle } from './lifecycle.ts';
import { retryTransient } from './retry.ts';
import { Stop } from './stop.ts';

export interface CleanUpOptions {
  readonly clock: Clock;
  /** Of every request of the task. */
  readonly lane: Lane;
  /** The limit of the first try. */
  readonly timeoutMs: number;
  /** After this, Consul has cleaned up by itself. */
  readonly mootAfterMs: number;
  readonly onFailure?: (error: unknown) => void;
}

/**
 * Tries once, and goes on in the background when that failed, without keeping the process alive. Never rejects; settles
 * with the first try.
 */
export async function cleanUp(
  task: (limits: CallLimits) => Promise<void>,
  { clock, lane, timeoutMs, mootAfterMs, onFailure }: CleanUpOptions,
): Promise<void> {
  const began = clock.read();
  const limit = new Stop();
  const dispose = systemClock.schedule(timeoutMs, () =>
    limit.abort(new Error(`not done within ${timeoutMs} ms`)),
  );
  try {
    await task({ signal: limit.signal, lane });
  } catch (firstError) {
    onFailure?.(firstError);
    lifecycle.keep(
      retryTransient(async () => await task({ keepProcessAlive: false, lane }), {
        clock,
        remainingMs: () => mootAfterMs - clock.elapsedSince(began),
        keepProcessAlive: false,
      }).catch((error: unknown) => onFailure?.(error)),
    );
  } finally {
    dispose();
  }
}
