import type { Clock } from './clock.ts';
import type { StopSignal } from './stop.ts';

/** Resolves after `delayMs`; rejects with the signal's reason when it aborts before. */
export async function sleep(
  clock: Clock,
  delayMs: number,
  { signal, keepProcessAlive = true }: { signal?: StopSignal | undefined; keepProcessAlive?: boolean } = {},
): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const onAbort = (): void => {
      dispose();
      if (signal) reject(signal.reason);
    };
    const dispose = clock.schedule(
      delayMs,
      () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      },
      { keepProcessAlive },
    );
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
