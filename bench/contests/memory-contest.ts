import type { ContestantName } from '../contestants/open-contestant.ts';
import type { Figures } from '../report/figures.ts';
import type { Arena } from './arena.ts';
import { Crew } from './crew.ts';

const DONE_WITHIN_MS = 120_000;

/** What the heap of a process grows by for each lock that it holds. */
export async function memoryContest(
  arena: Arena,
  contestant: ContestantName,
  locks: number,
): Promise<Figures> {
  const server = arena.serverOf(contestant);
  await server.settled();
  return await Crew.during(1, { contestant, address: server.address }, async (crew) => {
    const [report] = await crew.ask('memory', { locks }, DONE_WITHIN_MS);
    return { kibPerLock: report!.bytesPerLock / 1_024, locks };
  });
}
