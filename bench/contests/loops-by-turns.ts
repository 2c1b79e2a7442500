import type { ContestantName } from '../contestants/open-contestant.ts';
import { sum } from '../measures/statistics.ts';
import { TURN_MS, crewsByTurns, type TurnsTimes } from './crews-by-turns.ts';

export interface Looper {
  readonly contestant: ContestantName;
  readonly callers: number;
}

/** Of each lock, all callers taken together, in microseconds. */
export interface LoopTimes {
  readonly us: number;
  /** For so long of it, a request is under way. */
  readonly underWayUs: number;
}

/** Every process keeps a speed of its own, by some hundredths. */
const PROCESSES_OF_EACH = 2;

/** How long a lock takes with each of them, in processes that have no other contestant's code in them. */
export async function loopsByTurns(loopers: readonly Looper[], times: TurnsTimes): Promise<LoopTimes[]> {
  const all = Array.from({ length: PROCESSES_OF_EACH }, () => loopers).flat();
  const contestants = all.map(({ contestant }) => contestant);
  const turns = await crewsByTurns(contestants, times, async (crew, index, startAt) => {
    const { contestant, callers } = all[index]!;
    const key = `bench/by-turns/${contestant}/${callers}/${index}`;
    const task = { key, callers, startAt, from: startAt, to: startAt + TURN_MS, timesRequests: true };
    const [report] = await crew.ask('loop', task);
    return report!;
  });
  return loopers.map((_looper, place) => {
    const reports = turns.filter((_reports, index) => index % loopers.length === place).flat();
    const locks = sum(reports.map((report) => report.locks));
    return {
      us: (reports.length * TURN_MS * 1_000) / locks,
      underWayUs: sum(reports.map(({ underWayUs = 0 }) => underWayUs)) / locks,
    };
  });
}
