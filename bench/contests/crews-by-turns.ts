import type { ContestantName } from '../contestants/open-contestant.ts';
import { machineMs } from '../measures/machine-clock.ts';
import { Crew } from './crew.ts';

/** So long is each turn: all of them meet the same machine, and mostly as in a steady loop, which is courteous five times a second. */
export const TURN_MS = 1_000;

export interface TurnsTimes {
  readonly address: string;
  readonly warmUpMs: number;
  readonly forMs: number;
}

/** Has each contestant, in a process of its own, take its turn again and again: what they answered, for each, once all were warm. */
export async function crewsByTurns<T>(
  contestants: readonly ContestantName[],
  { address, warmUpMs, forMs }: TurnsTimes,
  takeTurn: (crew: Crew, index: number, startAt: number) => Promise<T>,
): Promise<T[][]> {
  const crewsOf = contestants.map((contestant) => ({ contestant, address }));
  return await Crew.duringAll(1, crewsOf, async (crews) => {
    const answers: T[][] = contestants.map(() => []);
    const from = machineMs() + warmUpMs;
    while (machineMs() < from + forMs) {
      for (const [index, crew] of crews.entries()) {
        const startAt = machineMs();
        const answer = await takeTurn(crew, index, startAt);
        if (startAt >= from) answers[index]!.push(answer);
      }
    }
    return answers;
  });
}
