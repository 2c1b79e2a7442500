import { openContestant } from '../contestants/open-contestant.ts';
import { PATIENT, type BenchLock } from '../contestants/contestant.ts';
import { RawConsul } from '../contestants/raw-consul.ts';
import { mean, median } from '../measures/statistics.ts';

/** Each is met again and again for so long, so that all of them meet the same machine. */
const BY_TURNS_MS = 250;

export interface WrittenPart {
  readonly name: string;
  readonly medianUs: number;
  readonly meanUs: number;
}

interface Writer {
  readonly name: string;
  /** Writes until then, and tells how long each write took, in microseconds. */
  readonly writeUntil: (end: number) => Promise<number[]>;
  readonly tookUs: number[];
}

const CALLERS = 50;

/**
 * What the write of a hand-over takes, beside the barest write that takes a lock: each line has one thing more, but for the
 * one that has another operation instead, up to a whole lock among the callers of one process.
 */
export async function writeByParts(
  address: string,
  { warmUpMs, forMs }: { readonly warmUpMs: number; readonly forMs: number },
): Promise<WrittenPart[]> {
  const consul = new RawConsul(address);
  const session = await consul.createSession();
  const raw = await openContestant('raw-write', address);
  const client = await openContestant('client-write', address);
  const library = await openContestant('consul-lock', address);
  const [barest, handOver, lock] = [raw, client, library].map((contestant, index) =>
    contestant.lockOn(`bench/parts/${index}`, PATIENT),
  ) as [BenchLock, BenchLock, BenchLock];
  const writers: Writer[] = [
    oneByOne('a lock with 3 bytes', async () => await barest.acquire()),
    oneByOne('by cas, 3 bytes', rewriting(consul, session, 3)),
    oneByOne('by cas, 150 bytes', rewriting(consul, session, 150)),
    oneByOne('by check-index and lock instead', rewriting(consul, session, 150, { isGuarded: true })),
    oneByOne('by the consul client', async () => await handOver.acquire()),
    {
      name: `by consul-lock, for ${CALLERS} callers`,
      writeUntil: async (end) => await byManyCallers(lock, end),
      tookUs: [],
    },
  ];
  try {
    const began = performance.now();
    while (performance.now() - began < warmUpMs + forMs) {
      for (const { writeUntil, tookUs } of writers) {
        const isWarm = performance.now() - began >= warmUpMs;
        const took = await writeUntil(performance.now() + BY_TURNS_MS);
        if (isWarm) tookUs.push(...took);
      }
    }
  } finally {
    await consul.destroySession(session);
    consul.close();
    for (const contestant of [raw, client, library]) await contestant.close();
  }
  return writers.map(({ name, tookUs }) => ({ name, medianUs: median(tookUs), meanUs: mean(tookUs) }));
}

function oneByOne(name: string, write: () => Promise<unknown>): Writer {
  const writeUntil = async (end: number): Promise<number[]> => {
    const tookUs: number[] = [];
    while (performance.now() < end) {
      const sentAt = performance.now();
      await write();
      tookUs.push((performance.now() - sentAt) * 1_000);
    }
    return tookUs;
  };
  return { name, writeUntil, tookUs: [] };
}

/** From one lock to the next, all callers taken together. */
async function byManyCallers(lock: BenchLock, end: number): Promise<number[]> {
  const tookUs: number[] = [];
  let lastAt = performance.now();
  await Promise.all(
    Array.from({ length: CALLERS }, async () => {
      while (performance.now() < end) {
        const release = await lock.acquire();
        tookUs.push((performance.now() - lastAt) * 1_000);
        lastAt = performance.now();
        await release();
      }
    }),
  );
  return tookUs;
}

/** A hand-over's write on a key of its own, with nothing but Node's `http`. */
function rewriting(
  consul: RawConsul,
  Session: string,
  bytes: number,
  { isGuarded = false } = {},
): () => Promise<void> {
  const Key = `bench/parts/${isGuarded ? 'guarded' : 'cas'}/${bytes}`;
  const Value = Buffer.alloc(bytes, 'x').toString('base64');
  let [Flags, Index] = [0, 0];
  return async () => {
    Flags += 1;
    const lock = { Verb: 'lock', Key, Value, Flags, Session };
    const cas = { Verb: 'cas', Key, Value, Flags, Index };
    const guarded = [{ Verb: 'check-index', Key, Index }, lock];
    const written = await consul.transaction(Index === 0 ? [lock] : isGuarded ? guarded : [cas]);
    if (!written.isDone) throw new Error('the write was refused');
    Index = written.index;
  };
}
