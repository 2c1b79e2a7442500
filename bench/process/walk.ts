import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { PATIENT, type Contestant } from '../contestants/contestant.ts';
import { machineMs } from '../measures/machine-clock.ts';
import { REQUEST_ANSWERED, REQUEST_SENT } from '../measures/request-channels.ts';
import { CYCLE_STEPS, type WalkReport, type WalkTask } from './messages.ts';

const CHANNELS = [REQUEST_SENT, REQUEST_ANSWERED];

/** Takes one lock and gives it back, again and again, as a single caller, and looks at the clock between its steps. */
export async function walk(contestant: Contestant, { key, to }: WalkTask): Promise<WalkReport> {
  const lock = contestant.lockOn(key, PATIENT);
  const cyclesUs: number[] = [];
  const stepsUs: number[][] = [];
  let moments: number[] = [];
  const note = (): void => void moments.push(machineMs());
  for (const channel of CHANNELS) subscribe(channel, note);
  try {
    while (machineMs() < to) {
      moments = [];
      note();
      const release = await lock.acquire();
      note();
      await release();
      note();
      const steps = moments.slice(1).map((at, index) => (at - moments[index]!) * 1_000);
      cyclesUs.push((moments.at(-1)! - moments[0]!) * 1_000);
      if (steps.length === CYCLE_STEPS.length) stepsUs.push(steps);
    }
  } finally {
    for (const channel of CHANNELS) unsubscribe(channel, note);
  }
  return { cyclesUs, stepsUs };
}
