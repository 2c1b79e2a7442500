import type { Clock } from './clock.ts';
import { sleep } from './sleep.ts';
import type { StopSignal } from './stop.ts';

/** When all connections for waiting are taken, a look now and then has to do: the more do so, the fewer. */
const EVERY_MS = 500;
const MOST_LOOKS_PER_MS = 2;

/** In this process. */
let lookers = 0;

/** Until it is time for another look; `atMostMs` bounds it. */
export async function untilNextLook(
  clock: Clock,
  atMostMs: number,
  options: { readonly signal: StopSignal; readonly keepProcessAlive?: boolean },
): Promise<void> {
  lookers++;
  try {
    const pauseMs = Math.max(EVERY_MS, lookers / MOST_LOOKS_PER_MS) * (0.5 + Math.random());
    await sleep(clock, Math.min(pauseMs, Math.max(0, atMostMs)), options);
  } finally {
    lookers--;
  }
}
