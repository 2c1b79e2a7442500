import { machineTimeMs } from '../history/machine-time.ts';

const EVERY_MS = 10;
/** Less is the grain of timers on a busy machine. */
const LATE_MS = 25;

/** Tells of every time in which this process did not run, be it blocked, stopped or waiting for a processor. */
export function watchLoop(onBlocked: (from: number, to: number) => void): void {
  let last = machineTimeMs();
  setInterval(() => {
    const now = machineTimeMs();
    if (now - last > EVERY_MS + LATE_MS) onBlocked(last, now);
    last = now;
  }, EVERY_MS).unref();
}

export function blockLoop(ms: number): void {
  const until = machineTimeMs() + ms;
  while (machineTimeMs() < until);
}
