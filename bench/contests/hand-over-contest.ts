import { setTimeout as pause } from 'node:timers/promises';
import type { ContestantName } from '../contestants/open-contestant.ts';
import { machineMs } from '../measures/machine-clock.ts';
import { mean, median, percentile } from '../measures/statistics.ts';
import type { Figures } from '../report/figures.ts';
import type { Arena } from './arena.ts';
import { Crew } from './crew.ts';

/** How long the other has waited when the holder gives back: long enough to wait where it is woken. */
const WAITS_MS = { from: 30, to: 60 };
/** Who polls is met at any moment between two looks. */
const POLLS_MS = { from: 30, to: 430 };

/** Two processes hand one lock to and fro; what counts is the time from the call of release to the other's handle. */
export async function handOverContest(arena: Arena, contestant: ContestantName): Promise<Figures> {
  const server = arena.serverOf(contestant);
  const { from, to } = contestant === 'redlock' ? POLLS_MS : WAITS_MS;
  await server.settled();
  return await Crew.during(2, { contestant, address: server.address }, async (crew) => {
    const key = arena.newKey();
    let [holder, waiter] = [crew.members[0]!, crew.members[1]!];
    await holder.ask('acquire', { key });
    const countsFrom = machineMs() + arena.warmUpMs;
    const handOversMs: number[] = [];
    let entriesBefore: number | undefined;
    while (machineMs() < countsFrom + arena.seconds * 1_000) {
      const counts = machineMs() >= countsFrom;
      if (counts) entriesBefore ??= await server.entries();
      const waiting = waiter.ask('acquire', { key });
      waiting.catch(() => {});
      await pause(from + Math.random() * (to - from));
      const { calledAt } = await holder.ask('release', undefined);
      const { settledAt } = await waiting;
      if (counts) handOversMs.push(settledAt - calledAt);
      [holder, waiter] = [waiter, holder];
    }
    const entriesAfter = await server.entries();
    await holder.ask('release', undefined);
    return {
      medianMs: median(handOversMs),
      p99Ms: percentile(handOversMs, 0.99),
      meanMs: mean(handOversMs),
      locks: handOversMs.length,
      ...(entriesBefore !== undefined &&
        entriesAfter !== undefined && {
          entriesPerLock: (entriesAfter - entriesBefore) / handOversMs.length,
        }),
    };
  });
}
