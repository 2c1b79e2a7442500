import { setTimeout as pause } from 'node:timers/promises';

/** Stands for any work that takes a while and can be stopped. */
export async function sendWelcomeEmail(
  user: number,
  { signal }: { signal?: AbortSignal } = {},
): Promise<void> {
  await pause(10, undefined, signal && { signal });
  console.log(`sent to ${user}`);
}
