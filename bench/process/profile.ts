import { Session } from 'node:inspector/promises';
import { cpuTimesOf, type CpuTimes, type Profile } from '../measures/cpu-times.ts';
import { pauseUntil } from '../measures/machine-clock.ts';
import type { ProfileTask } from './messages.ts';

const SAMPLED_EVERY_US = 200;

/** Whose code this process runs meanwhile. */
export async function profile({ from, to }: ProfileTask): Promise<CpuTimes> {
  await pauseUntil(from);
  const inspector = new Session();
  inspector.connect();
  try {
    await inspector.post('Profiler.enable');
    await inspector.post('Profiler.setSamplingInterval', { interval: SAMPLED_EVERY_US });
    await inspector.post('Profiler.start');
    await pauseUntil(to);
    const { profile: taken } = await inspector.post('Profiler.stop');
    return cpuTimesOf(taken as Profile);
  } finally {
    inspector.disconnect();
  }
}
