import { machineMs } from '../measures/machine-clock.ts';
import { mean, median, sum } from '../measures/statistics.ts';
import type { LoopReport } from '../process/messages.ts';
import { Crew } from './crew.ts';

/** Each crew loops again and again for so long, so that all of them meet the same machine. */
const BY_TURNS_MS = 3_000;
/** The first moments of each: the processes have to find their turns. */
const UNTIL_SETTLED_MS = 1_000;

const PROCESSES = 4;
const CALLERS = 10;

/** So many handings over at the end of a stay are watched by the process that is next (`WATCHED_LINKS` in lib/stays.ts). */
const WATCHED = 3;

export interface GapFigures {
  readonly name: string;
  readonly locks: number;
  readonly meanUs: number;
  readonly medianUs: number;
  /** Of the time of its crew. */
  readonly share: number;
}

/** A lock that was taken: when, and by which process of the crew. */
interface Grant {
  readonly at: number;
  readonly process: number;
}

type Gaps = Record<'watched' | 'unwatched' | 'switch', number[]>;

/**
 * From one lock to the next, for processes that hand one lock over among their callers: within a process, and from one process
 * to the next; beside as many callers in one process, and the barest write.
 */
export async function staysByTurns(
  address: string,
  { warmUpMs, forMs }: { readonly warmUpMs: number; readonly forMs: number },
): Promise<GapFigures[]> {
  const library = { contestant: 'consul-lock', address } as const;
  const [raw, alone] = [[] as number[], [] as number[]];
  const gaps: Gaps = { watched: [], unwatched: [], switch: [] };
  await Crew.during(PROCESSES, library, async (several) => {
    await Crew.duringAll(1, [library, { contestant: 'raw-write', address }], async ([one, barest]) => {
      const until = machineMs() + warmUpMs + forMs;
      while (machineMs() < until) {
        const isWarm = machineMs() >= until - forMs;
        const [ofSeveral, ofOne, ofRaw] = [
          await grantsOf(several, 'several', CALLERS),
          await grantsOf(one!, 'one', PROCESSES * CALLERS),
          await grantsOf(barest!, 'raw', 1),
        ];
        if (!isWarm) continue;
        noteGaps(ofSeveral, gaps);
        alone.push(...timesOf(ofOne));
        raw.push(...timesOf(ofRaw));
      }
    });
  });
  const { watched, unwatched, switch: switches } = gaps;
  const all = [...watched, ...unwatched, ...switches];
  const figures = (name: string, times: readonly number[], of = times): GapFigures => ({
    name,
    locks: times.length,
    meanUs: mean(times),
    medianUs: median(times),
    share: sum(times) / sum(of),
  });
  return [
    figures('raw-write', raw),
    figures(`consul-lock, 1 process × ${PROCESSES * CALLERS} callers`, alone),
    figures(`consul-lock, ${PROCESSES} processes × ${CALLERS} callers`, all),
    figures('· handed over, while the next process looks away', unwatched, all),
    figures(`· handed over, the last ${WATCHED} of a stay`, watched, all),
    figures('· from process to process', switches, all),
  ];
}

async function grantsOf(crew: Crew, name: string, callers: number): Promise<Grant[]> {
  const startAt = machineMs();
  const from = startAt + UNTIL_SETTLED_MS;
  const task = { key: `bench/stays/${name}`, callers, startAt, from, to: from + BY_TURNS_MS };
  const reports: LoopReport[] = await crew.ask('loop', task);
  return reports
    .flatMap(({ heldAtMs }, process) => heldAtMs.map((at) => ({ at, process })))
    .toSorted((one, other) => one.at - other.at);
}

function timesOf(grants: readonly Grant[]): number[] {
  return grants.slice(1).map(({ at }, index) => (at - grants[index]!.at) * 1_000);
}

function noteGaps(grants: readonly Grant[], { watched, unwatched, switch: switches }: Gaps): void {
  let links: number[] = [];
  for (const [index, us] of timesOf(grants).entries()) {
    if (grants[index]!.process === grants[index + 1]!.process) {
      links.push(us);
      continue;
    }
    switches.push(us);
    watched.push(...links.slice(-WATCHED));
    unwatched.push(...links.slice(0, -WATCHED));
    links = [];
  }
}
