import { setTimeout as pause } from 'node:timers/promises';

export interface UntilOptions {
  readonly timeoutMs: number;
  readonly intervalMs?: number;
  readonly describe?: () => string;
}

/** Resolves to the first truthy value of `condition`; rejects when there is none in time. */
export async function until<T>(condition: () => T | Promise<T>, options: UntilOptions): Promise<T & {}> {
  const deadline = performance.now() + options.timeoutMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > deadline) {
      throw new Error(
        `${options.describe?.() ?? 'the condition was not met'} (waited ${options.timeoutMs} ms)`,
      );
    }
    await pause(options.intervalMs ?? 20);
  }
}
