import type { ContestantName } from '../contestants/open-contestant.ts';
import { ConnectionWatch } from '../measures/connections.ts';
import { machineMs } from '../measures/machine-clock.ts';
import { mean, median, percentile, sum } from '../measures/statistics.ts';
import type { Figures } from '../report/figures.ts';
import type { Arena } from './arena.ts';
import { Crew } from './crew.ts';
import { HandingToAndFro, WAITS_MS } from './handing-to-and-fro.ts';

const WATCHED_EVERY_MS = 250;
/** Who polls is met at any moment between two looks. */
const POLLS_MS = { from: 30, to: 430 };

/** Two processes hand one lock to and fro; what counts is the time from the call of release to the other's handle. */
export async function handOverContest(arena: Arena, contestant: ContestantName): Promise<Figures> {
  const server = arena.serverOf(contestant);
  const waitsMs = contestant === 'redlock' ? POLLS_MS : WAITS_MS;
  await server.settled();
  return await Crew.during(2, { contestant, address: server.address }, async (crew) => {
    await crew.warmUp(arena.newKey(), arena.warmUpMs);
    const handing = await HandingToAndFro.start(crew, arena.newKey(), waitsMs);
    const handOver = async (): Promise<number> => {
      const { calledAt, settledAt } = await handing.handOver();
      return settledAt - calledAt;
    };
    const requestsUpToNow = async (): Promise<number> =>
      (await server.requests()) ?? sum(await crew.ask('requests', undefined));

    for (const end = machineMs() + arena.warmUpMs; machineMs() < end;) await handOver();
    const [entriesBefore, requestsBefore] = [await server.entries(), await requestsUpToNow()];
    using watch = new ConnectionWatch(server, WATCHED_EVERY_MS);
    const handOversMs: number[] = [];
    for (const end = machineMs() + arena.seconds * 1_000; machineMs() < end;)
      handOversMs.push(await handOver());
    const { most: connections } = watch;
    const [entriesAfter, requestsAfter] = [await server.entries(), await requestsUpToNow()];
    await handing.end();
    const locks = handOversMs.length;
    return {
      medianMs: median(handOversMs),
      p99Ms: percentile(handOversMs, 0.99),
      meanMs: mean(handOversMs),
      locks,
      requestsPerLock: (requestsAfter - requestsBefore) / locks,
      ...(connections !== undefined && { connections }),
      ...(entriesBefore !== undefined &&
        entriesAfter !== undefined && { entriesPerLock: (entriesAfter - entriesBefore) / locks }),
    };
  });
}
