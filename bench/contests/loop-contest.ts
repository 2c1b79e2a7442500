import type { ContestantName } from '../contestants/open-contestant.ts';
import { ConnectionWatch } from '../measures/connections.ts';
import { smallestShare, waitInRounds } from '../measures/fairness.ts';
import { machineMs, pauseUntil } from '../measures/machine-clock.ts';
import { highest, mean, median, percentile, sum } from '../measures/statistics.ts';
import type { LoopReport } from '../process/messages.ts';
import type { Figures } from '../report/figures.ts';
import type { Arena } from './arena.ts';
import { Crew } from './crew.ts';

const UNTIL_THE_START_MS = 100;
/** Processes that share the cores and the turns come to the same number of locks, and so to compiled code, later. */
const WARM_UPS_OF_SEVERAL = 2;
const WATCHED_EVERY_MS = 250;
const UNTIL_ALL_HAVE_ENDED_MS = 60_000;

export interface LoopSize {
  readonly processes: number;
  readonly callers: number;
}

/** Everybody takes one lock and gives it back, again and again, for the time of a contest. */
export async function loopContest(
  arena: Arena,
  contestant: ContestantName,
  { processes, callers }: LoopSize,
): Promise<Figures> {
  const server = arena.serverOf(contestant);
  await server.settled();
  return await Crew.during(processes, { contestant, address: server.address }, async (crew) => {
    const startAt = machineMs() + UNTIL_THE_START_MS;
    const from = startAt + arena.warmUpMs * (processes > 1 ? WARM_UPS_OF_SEVERAL : 1);
    const to = from + arena.seconds * 1_000;
    const task = { key: arena.newKey(), callers, startAt, from, to };
    const reporting = crew.ask('loop', task, to - machineMs() + UNTIL_ALL_HAVE_ENDED_MS);
    // Its failure is met below; until then it must not end the program.
    reporting.catch(() => {});
    await pauseUntil(from);
    const [entriesBefore, requestsBefore] = [await server.entries(), await server.requests()];
    using watch = new ConnectionWatch(server, WATCHED_EVERY_MS);
    await pauseUntil(to);
    const { most: connections } = watch;
    const [entriesAfter, requestsAfter] = [await server.entries(), await server.requests()];
    const reports = await reporting;
    return {
      ...figuresOf(reports, { processes, callers }, arena.seconds),
      ...(connections !== undefined && { connections }),
      ...perLock('entriesPerLock', reports, entriesBefore, entriesAfter),
      ...perLock('requestsPerLock', reports, requestsBefore, requestsAfter),
    };
  });
}

function figuresOf(
  reports: readonly LoopReport[],
  { processes, callers }: LoopSize,
  seconds: number,
): Figures {
  const locks = locksOf(reports);
  const locksPerSecond = locks / seconds;
  const isAlone = processes * callers === 1;
  const timesMs = reports.flatMap(({ waitsMs, cyclesMs }) => (isAlone ? cyclesMs : waitsMs));
  const worstWaitMs = highest(reports.map(({ longestWaitMs }) => longestWaitMs));
  return {
    medianMs: median(timesMs),
    p99Ms: percentile(timesMs, 0.99),
    meanMs: mean(timesMs),
    locks,
    locksPerSecond,
    requestsPerLock: sum(reports.map(({ requests }) => requests)) / locks,
    failures: reports.flatMap(({ failures }) => failures).length,
    overtaken: sum(reports.map((report) => report.overtaken)),
    smallestShare: smallestShare(reports.map((report) => report.locks)),
    worstWaitMs,
    worstWait: waitInRounds(worstWaitMs, processes * callers, locksPerSecond),
  };
}

function perLock(
  name: 'entriesPerLock' | 'requestsPerLock',
  reports: readonly LoopReport[],
  before: number | undefined,
  after: number | undefined,
): Figures {
  if (before === undefined || after === undefined) return {};
  return { [name]: (after - before) / locksOf(reports) };
}

function locksOf(reports: readonly LoopReport[]): number {
  return sum(reports.map((report) => report.locks));
}
