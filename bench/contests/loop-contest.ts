import type { ContestantName } from '../contestants/open-contestant.ts';
import { smallestShare, waitInRounds } from '../measures/fairness.ts';
import { highest, mean, median, percentile, sum } from '../measures/statistics.ts';
import type { LoopReport } from '../process/messages.ts';
import type { Figures } from '../report/figures.ts';
import type { Arena } from './arena.ts';
import { comparison, type Limit } from './limit.ts';
import { Loopers, type LoopSize, type Stretch } from './loopers.ts';

/** Processes that share the cores and the turns come to the same number of locks, and so to compiled code, later. */
const WARM_UPS_OF_SEVERAL = 2;

/**
 * The machine's own speed wanders within seconds, so that what is compared with raw requests takes turns with them. Processes
 * that contend with each other are given no turns: every time they would find their order anew.
 */
const PARTS = 5;
/** Until those who begin again have a session, and see who else is there. */
const LEAD_IN_MS = 500;
/** Open beside those of the contest, and none of them. */
const RAW_CONNECTIONS = 1;

/** Everybody takes one lock and gives it back, again and again, for the time of a contest. */
export async function loopContest(
  arena: Arena,
  contestant: ContestantName,
  size: LoopSize,
): Promise<Figures> {
  return await during(arena, contestant, size, async (loopers) => {
    return figuresOf([await loopers.stretch(warmUpMs(arena, size), arena.seconds * 1_000)], size);
  });
}

/** The same in turns with raw requests, before, between and after its parts. */
export async function loopContestBesideLimit(
  arena: Arena,
  contestant: ContestantName,
  size: LoopSize,
  { contestant: raw, compared }: Limit,
): Promise<Figures> {
  const isByTurns = size.processes === 1;
  const [parts, leadInMs] = isByTurns ? [PARTS, LEAD_IN_MS] : [1, warmUpMs(arena, size)];
  const partMs = (arena.seconds * 1_000) / parts;
  const limitMs = Math.min(arena.brief.seconds * 1_000, partMs);
  const alone = { processes: 1, callers: 1 };
  return await during(arena, contestant, size, async (loopers) => {
    return await during(arena, raw, alone, async (rawLoopers) => {
      if (isByTurns) await loopers.warmUp(arena.warmUpMs);
      await rawLoopers.warmUp(arena.warmUpMs);
      const limit = async (): Promise<Figures> =>
        figuresOf([await rawLoopers.stretch(LEAD_IN_MS, limitMs)], alone);
      const limits = [await limit()];
      const stretches: Stretch[] = [];
      while (stretches.length < parts) {
        stretches.push(await loopers.stretch(leadInMs, partMs, RAW_CONNECTIONS));
        limits.push(await limit());
      }
      const figures = figuresOf(stretches, size);
      return { ...figures, ...comparison(compared, figures, limits) };
    });
  });
}

async function during<T>(
  arena: Arena,
  contestant: ContestantName,
  size: LoopSize,
  act: (loopers: Loopers) => Promise<T>,
): Promise<T> {
  const server = arena.serverOf(contestant);
  await server.settled();
  return await Loopers.during({ contestant, server, key: arena.newKey(), size }, act);
}

function warmUpMs(arena: Arena, { processes }: LoopSize): number {
  return arena.warmUpMs * (processes > 1 ? WARM_UPS_OF_SEVERAL : 1);
}

function figuresOf(stretches: readonly Stretch[], { processes, callers }: LoopSize): Figures {
  const reports = stretches.flatMap((stretch) => stretch.reports);
  const locks = locksOf(reports);
  const locksPerSecond = locks / sum(stretches.map(({ seconds }) => seconds));
  const isAlone = processes * callers === 1;
  const timesMs = reports.flatMap(({ waitsMs, cyclesMs }) => (isAlone ? cyclesMs : waitsMs));
  const worstWaitMs = highest(reports.map(({ longestWaitMs }) => longestWaitMs));
  const locksOfEach = Array.from({ length: processes }, (_, index) =>
    locksOf(stretches.map((stretch) => stretch.reports[index]!)),
  );
  const requests = total(stretches, 'requests') ?? sum(reports.map((report) => report.requests));
  const entries = total(stretches, 'entries');
  const connections = stretches.flatMap((stretch) => stretch.connections ?? []);
  return {
    medianMs: median(timesMs),
    p99Ms: percentile(timesMs, 0.99),
    meanMs: mean(timesMs),
    locks,
    locksPerSecond,
    requestsPerLock: requests / locks,
    failures: reports.flatMap(({ failures }) => failures).length,
    overtaken: sum(reports.map((report) => report.overtaken)),
    smallestShare: smallestShare(locksOfEach),
    worstWaitMs,
    worstWait: waitInRounds(worstWaitMs, processes * callers, locksPerSecond),
    ...(connections.length > 0 && { connections: highest(connections) }),
    ...(entries !== undefined && { entriesPerLock: entries / locks }),
  };
}

/** Undefined where the server does not tell. */
function total(stretches: readonly Stretch[], name: 'entries' | 'requests'): number | undefined {
  const values = stretches.flatMap((stretch) => stretch[name] ?? []);
  return values.length === stretches.length ? sum(values) : undefined;
}

function locksOf(reports: readonly LoopReport[]): number {
  return sum(reports.map((report) => report.locks));
}
