import type { ContestantName } from '../contestants/open-contestant.ts';
import { machineMs } from '../measures/machine-clock.ts';
import { mean } from '../measures/statistics.ts';
import { CYCLE_STEPS } from '../process/messages.ts';
import { Crew } from './crew.ts';

/** Each walks again and again for so long: for most of it as in a steady loop, which is courteous five times a second. */
const BY_TURNS_MS = 1_000;

/** In microseconds, in the mean. */
export interface CycleFigures {
  /** Of the locks that took two requests. */
  readonly stepsUs: readonly number[];
  /** Of all locks: also of those before which others were let go first, or for which a session was made. */
  readonly cycleUs: number;
  /** How many locks took two requests, of all. */
  readonly plainShare: number;
}

/** Where the time of a single caller goes, for contestants that take a lock by one write and give it back by another. */
export async function cycleSteps(
  contestants: readonly ContestantName[],
  { address, warmUpMs, forMs }: { address: string; warmUpMs: number; forMs: number },
): Promise<CycleFigures[]> {
  const crewsOf = contestants.map((contestant) => ({ contestant, address }));
  return await Crew.duringAll(1, crewsOf, async (crews) => {
    const walks = contestants.map(() => ({ cyclesUs: [] as number[], stepsUs: [] as (readonly number[])[] }));
    const from = machineMs() + warmUpMs;
    while (machineMs() < from + forMs) {
      for (const [index, crew] of crews.entries()) {
        const startAt = machineMs();
        const task = { key: `bench/steps/${contestants[index]}`, to: startAt + BY_TURNS_MS };
        const [report] = await crew.ask('walk', task);
        if (startAt < from) continue;
        walks[index]!.cyclesUs.push(...report!.cyclesUs);
        walks[index]!.stepsUs.push(...report!.stepsUs);
      }
    }
    return walks.map(({ cyclesUs, stepsUs }) => ({
      stepsUs: CYCLE_STEPS.map((_step, index) => mean(stepsUs.map((steps) => steps[index]!))),
      cycleUs: mean(cyclesUs),
      plainShare: stepsUs.length / cyclesUs.length,
    }));
  });
}
