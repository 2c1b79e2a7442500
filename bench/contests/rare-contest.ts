import { setTimeout as pause } from 'node:timers/promises';
import type { ContestantName } from '../contestants/open-contestant.ts';
import { mean, median } from '../measures/statistics.ts';
import type { Figures } from '../report/figures.ts';
import type { Arena } from './arena.ts';
import { Crew } from './crew.ts';

const TIMES = 3;
const AFTERWARDS_MS = 2_000;

/** A lock that is taken once in a while: what it costs with all that comes of it in the two seconds after. */
export async function rareContest(arena: Arena, contestant: ContestantName): Promise<Figures> {
  const server = arena.serverOf(contestant);
  return await Crew.during(1, { contestant, address: server.address }, async (crew) => {
    const times: Figures[] = [];
    for (let time = 0; time < TIMES; time++) {
      await server.settled();
      const before = await server.entries();
      const [report] = await crew.ask('once', { key: arena.newKey() });
      await pause(AFTERWARDS_MS);
      const after = await server.entries();
      times.push({
        medianMs: report!.tookMs,
        requestsPerLock: report!.requests,
        ...(before !== undefined && after !== undefined && { entriesPerLock: after - before }),
      });
    }
    return {
      medianMs: median(times.map(({ medianMs }) => medianMs!)),
      requestsPerLock: mean(times.map(({ requestsPerLock }) => requestsPerLock!)),
      entriesPerLock: mean(times.map(({ entriesPerLock }) => entriesPerLock ?? NaN)),
    };
  });
}
