import type { Arena } from './contests/arena.ts';
import { keysContest, waitersContest } from './contests/crowd-contest.ts';
import { handOverContest } from './contests/hand-over-contest.ts';
import { importContest } from './contests/import-contest.ts';
import { besideLimit, type ComparedFigure } from './contests/limit.ts';
import { loopContest, loopContestBesideLimit } from './contests/loop-contest.ts';
import type { LoopSize } from './contests/loopers.ts';
import { memoryContest } from './contests/memory-contest.ts';
import { rareContest } from './contests/rare-contest.ts';
import type { ContestantName } from './contestants/open-contestant.ts';
import type { FigureName, Figures } from './report/figures.ts';

/** Something that is measured of one or several contestants, and what is to be reached by us. */
export interface Row {
  readonly name: string;
  readonly title: string;
  readonly contestants: readonly ContestantName[];
  readonly measure: (arena: Arena, contestant: ContestantName) => Promise<Figures>;
  readonly targets: readonly Target[];
}

export interface Target {
  readonly figure: FigureName;
  readonly says: string;
  readonly atMost?: number;
  readonly atLeast?: number;
}

const OURS = ['consul-lock'] as const;
const ON_CONSUL = ['consul-lock', 'hand-written'] as const;
const NO_LOCK = ['client-write', 'client-cycle'] as const;
const WAITING = [...ON_CONSUL, 'redlock'] as const;
const ALL = [...WAITING, 'etcd3'] as const;

const FOR_CROWDS: readonly Target[] = [
  { figure: 'failures', says: 'failures', atMost: 0 },
  { figure: 'connections', says: 'connections', atMost: 150 },
];

export const ROWS: readonly Row[] = [
  {
    name: 'busy-loop',
    title: 'busy loop of one caller',
    contestants: ALL,
    measure: besideLoop('meanMs', 'raw-cycle', { processes: 1, callers: 1 }),
    targets: [
      { figure: 'entriesPerLock', says: 'raft entries per cycle', atMost: 2.05 },
      { figure: 'toLimit', says: 'time ÷ raw two-write cycle', atMost: 1.15 },
      { figure: 'timeToHandWritten', says: 'time ÷ hand-written cycle', atMost: 0.7 },
    ],
  },
  {
    name: 'client-cycle',
    title: 'the two writes of a lock, by the consul client alone',
    contestants: ['client-cycle'],
    measure: besideLoop('meanMs', 'raw-cycle', { processes: 1, callers: 1 }),
    targets: [],
  },
  {
    name: 'hand-over',
    title: 'hand-over between two processes',
    contestants: WAITING,
    measure: handOver,
    targets: [{ figure: 'toLimit', says: 'median ÷ raw blocking query and write', atMost: 1.3 }],
  },
  {
    name: '1x50',
    title: '1 process × 50 callers, one key',
    contestants: WAITING,
    measure: besideLoop('locksPerSecond', 'raw-write', { processes: 1, callers: 50 }),
    targets: [
      { figure: 'toLimit', says: 'locks/s ÷ raw one-write rate', atLeast: 0.9 },
      { figure: 'entriesPerLock', says: 'raft entries per lock', atMost: 1.1 },
      { figure: 'overtaken', says: 'callers overtaken by later ones', atMost: 0 },
    ],
  },
  {
    name: 'client',
    title: 'the write of a hand-over, by the consul client alone',
    contestants: ['client-write'],
    measure: besideLoop('locksPerSecond', 'raw-write', { processes: 1, callers: 1 }),
    targets: [],
  },
  {
    name: '4x10',
    title: '4 processes × 10 callers, one key',
    contestants: WAITING,
    measure: besideLoop('locksPerSecond', 'raw-write', { processes: 4, callers: 10 }),
    targets: [
      { figure: 'toLimit', says: 'locks/s ÷ raw one-write rate', atLeast: 0.6 },
      { figure: 'entriesPerLock', says: 'raft entries per lock', atMost: 1.4 },
      { figure: 'smallestShare', says: 'least served process ÷ its fair share', atLeast: 0.5 },
      { figure: 'worstWait', says: 'worst wait ÷ mean round', atMost: 4 },
    ],
  },
  {
    name: '2x1',
    title: '2 processes × 1 caller, one key',
    contestants: OURS,
    measure: besideLoop('locksPerSecond', 'raw-write', { processes: 2, callers: 1 }),
    targets: [],
  },
  {
    name: '8x1',
    title: '8 processes × 1 caller, one key',
    contestants: OURS,
    measure: besideLoop('locksPerSecond', 'raw-write', { processes: 8, callers: 1 }),
    targets: [],
  },
  {
    name: '32x1',
    title: '32 processes × 1 caller, one key',
    contestants: ON_CONSUL,
    measure: besideLoop('locksPerSecond', 'raw-write', { processes: 32, callers: 1 }),
    targets: [{ figure: 'entriesPerLock', says: 'raft entries per lock', atMost: 3 }],
  },
  {
    name: 'waiters',
    title: '1 000 waiters on one key',
    contestants: OURS,
    measure: async (arena, contestant) => await waitersContest(arena, contestant, 1_000),
    targets: FOR_CROWDS,
  },
  {
    name: 'keys',
    title: '5 000 keys at once',
    contestants: OURS,
    measure: async (arena, contestant) => await keysContest(arena, contestant, 5_000),
    targets: FOR_CROWDS,
  },
  {
    name: 'rare',
    title: 'a lock that is seldom used',
    contestants: OURS,
    measure: rareContest,
    targets: [{ figure: 'entriesPerLock', says: 'raft entries until two seconds later', atMost: 3 }],
  },
  {
    name: 'memory',
    title: '2 000 held locks',
    contestants: OURS,
    measure: async (arena, contestant) => await memoryContest(arena, contestant, 2_000),
    targets: [{ figure: 'kibPerLock', says: 'KiB for each', atMost: 4 }],
  },
  {
    name: 'import',
    title: 'import of the package',
    contestants: OURS,
    measure: importContest,
    targets: [{ figure: 'toLimit', says: 'time ÷ import of consul and p-retry', atMost: 1.5 }],
  },
];

export function titleOf(rows: readonly Row[], name: string): string {
  return rows.find((row) => row.name === name)?.title ?? name;
}

function besideLoop(compared: ComparedFigure, limit: ContestantName, size: LoopSize): Row['measure'] {
  return async (arena, contestant) =>
    isOnConsul(contestant)
      ? await loopContestBesideLimit(arena, contestant, size, { contestant: limit, compared })
      : await loopContest(arena, contestant, size);
}

async function handOver(arena: Arena, contestant: ContestantName): Promise<Figures> {
  const measure = async (): Promise<Figures> => await handOverContest(arena, contestant);
  if (!isOnConsul(contestant)) return await measure();
  return await besideLimit('medianMs', async () => await handOverContest(arena.brief, 'raw-cycle'), measure);
}

/** Consul's limit says nothing about locks on other servers. */
function isOnConsul(contestant: ContestantName): boolean {
  return ([...ON_CONSUL, ...NO_LOCK] as readonly ContestantName[]).includes(contestant);
}
