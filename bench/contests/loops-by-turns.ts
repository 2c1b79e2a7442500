import type { ContestantName } from '../contestants/open-contestant.ts';
import { machineMs } from '../measures/machine-clock.ts';
import { sum } from '../measures/statistics.ts';
import { Crew } from './crew.ts';

/** Each loops again and again for so long, so that all of them meet the same machine, and mostly as in a steady loop. */
const BY_TURNS_MS = 1_000;

export interface Looper {
  readonly contestant: ContestantName;
  readonly callers: number;
}

/** How long a lock takes with each of them, all callers taken together, in microseconds; each has a process of its own. */
export async function loopsByTurns(
  loopers: readonly Looper[],
  { address, warmUpMs, forMs }: { address: string; warmUpMs: number; forMs: number },
): Promise<number[]> {
  const crewsOf = loopers.map(({ contestant }) => ({ contestant, address }));
  return await Crew.duringAll(1, crewsOf, async (crews) => {
    const locks: number[][] = loopers.map(() => []);
    const from = machineMs() + warmUpMs;
    while (machineMs() < from + forMs) {
      for (const [index, crew] of crews.entries()) {
        const { contestant, callers } = loopers[index]!;
        const startAt = machineMs();
        const key = `bench/by-turns/${contestant}/${callers}`;
        const task = { key, callers, startAt, from: startAt, to: startAt + BY_TURNS_MS };
        const [report] = await crew.ask('loop', task);
        if (startAt >= from) locks[index]!.push(report!.locks);
      }
    }
    return locks.map((turns) => (turns.length * BY_TURNS_MS * 1_000) / sum(turns));
  });
}
