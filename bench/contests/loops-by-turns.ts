import type { ContestantName } from '../contestants/open-contestant.ts';
import { sum } from '../measures/statistics.ts';
import { TURN_MS, crewsByTurns, type TurnsTimes } from './crews-by-turns.ts';

export interface Looper {
  readonly contestant: ContestantName;
  readonly callers: number;
}

/** How long a lock takes with each of them, all callers taken together, in microseconds; each has a process of its own. */
export async function loopsByTurns(loopers: readonly Looper[], times: TurnsTimes): Promise<number[]> {
  const contestants = loopers.map(({ contestant }) => contestant);
  const locks = await crewsByTurns(contestants, times, async (crew, index, startAt) => {
    const { contestant, callers } = loopers[index]!;
    const key = `bench/by-turns/${contestant}/${callers}`;
    const task = { key, callers, startAt, from: startAt, to: startAt + TURN_MS };
    const [report] = await crew.ask('loop', task);
    return report!.locks;
  });
  return locks.map((turns) => (turns.length * TURN_MS * 1_000) / sum(turns));
}
