import type { ContestantName } from '../contestants/open-contestant.ts';
import { mean } from '../measures/statistics.ts';
import { CYCLE_STEPS } from '../process/messages.ts';
import { TURN_MS, crewsByTurns, type TurnsTimes } from './crews-by-turns.ts';

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
  times: TurnsTimes,
): Promise<CycleFigures[]> {
  const walks = await crewsByTurns(contestants, times, async (crew, index, startAt) => {
    const task = { key: `bench/steps/${contestants[index]}`, to: startAt + TURN_MS };
    const [report] = await crew.ask('walk', task);
    return report!;
  });
  return walks.map((reports) => {
    const stepsUs = reports.flatMap((report) => report.stepsUs);
    const cyclesUs = reports.flatMap((report) => report.cyclesUs);
    return {
      stepsUs: CYCLE_STEPS.map((_step, index) => mean(stepsUs.map((steps) => steps[index]!))),
      cycleUs: mean(cyclesUs),
      plainShare: stepsUs.length / cyclesUs.length,
    };
  });
}
