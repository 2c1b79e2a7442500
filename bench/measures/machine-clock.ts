import { setTimeout as pause } from 'node:timers/promises';

/** Milliseconds of a clock that all processes of this machine share and nobody sets. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

export async function pauseUntil(instant: number): Promise<void> {
  const waitMs = instant - machineMs();
  if (waitMs > 0) await pause(waitMs);
}
