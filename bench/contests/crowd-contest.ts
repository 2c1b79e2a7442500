import type { ContestantName } from '../contestants/open-contestant.ts';
import { ConnectionWatch } from '../measures/connections.ts';
import { mean, median, percentile } from '../measures/statistics.ts';
import type { CrowdTask } from '../process/messages.ts';
import type { Figures } from '../report/figures.ts';
import type { Arena } from './arena.ts';
import { Crew } from './crew.ts';

const WATCHED_EVERY_MS = 20;
const DONE_WITHIN_MS = 240_000;
const WAITS_MS = 180_000;

/** One process, one key that is held, and so many callers that wait for it: each is served in the end. */
export async function waitersContest(
  arena: Arena,
  contestant: ContestantName,
  waiters: number,
): Promise<Figures> {
  const key = arena.newKey();
  const keys = Array.from({ length: waiters }, () => key);
  return await crowdContest(arena, contestant, {
    keys,
    waitMs: WAITS_MS,
    heldAtFirst: true,
    givesBackAtOnce: true,
  });
}

/** One process that takes so many different keys at once, and then gives all of them back at once. */
export async function keysContest(arena: Arena, contestant: ContestantName, count: number): Promise<Figures> {
  const keys = Array.from({ length: count }, () => arena.newKey());
  return await crowdContest(arena, contestant, {
    keys,
    waitMs: 0,
    heldAtFirst: false,
    givesBackAtOnce: false,
  });
}

async function crowdContest(arena: Arena, contestant: ContestantName, task: CrowdTask): Promise<Figures> {
  const server = arena.serverOf(contestant);
  await server.settled();
  return await Crew.during(1, { contestant, address: server.address }, async (crew) => {
    using watch = new ConnectionWatch(server, WATCHED_EVERY_MS);
    const entriesBefore = await server.entries();
    const [report] = await crew.ask('crowd', task, DONE_WITHIN_MS);
    const { most: connections } = watch;
    const entriesAfter = await server.entries();
    const { waitsMs, tookMs, overtaken, requests, failures } = report!;
    return {
      medianMs: median(waitsMs),
      p99Ms: percentile(waitsMs, 0.99),
      meanMs: mean(waitsMs),
      totalMs: tookMs,
      locks: waitsMs.length,
      locksPerSecond: (waitsMs.length / tookMs) * 1_000,
      requestsPerLock: requests / waitsMs.length,
      failures: failures.length,
      overtaken,
      ...(connections !== undefined && { connections }),
      ...(entriesBefore !== undefined &&
        entriesAfter !== undefined && { entriesPerLock: (entriesAfter - entriesBefore) / waitsMs.length }),
    };
  });
}
