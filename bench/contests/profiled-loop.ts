import { type CpuTimes, ORIGINS } from '../measures/cpu-times.ts';
import { machineMs } from '../measures/machine-clock.ts';
import { Crew } from './crew.ts';
import type { TurnsTimes } from './crews-by-turns.ts';
import type { Looper } from './loops-by-turns.ts';

/** How much of the processor's time a lock takes with this one, in microseconds and by whose code it is, in a process of its own. */
export async function profiledLoop(
  { contestant, callers }: Looper,
  { address, warmUpMs, forMs }: TurnsTimes,
): Promise<CpuTimes> {
  return await Crew.during(1, { contestant, address }, async (crew) => {
    const startAt = machineMs();
    const [from, to] = [startAt + warmUpMs, startAt + warmUpMs + forMs];
    const key = `bench/profile/${contestant}/${callers}`;
    const [[report], [times]] = await Promise.all([
      crew.ask('loop', { key, callers, startAt, from, to }),
      crew.ask('profile', { from, to }),
    ]);
    return Object.fromEntries(
      ORIGINS.map((origin) => [origin, times![origin] / report!.locks]),
    ) as unknown as CpuTimes;
  });
}
