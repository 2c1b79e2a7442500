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
 * What the write of a hand-over takes, beside the barest write that takes a lock: each line has one thing more, up to a whole
 * lock among the callers of one process.
 */
export async function writeByParts(
  address: string,
  { warmUpMs, forMs }: { readonly warmUpMs: number; readonly forMs: number },
): Promise<WrittenPart[]> {
  const consul = new RawConsul(address);
  const session = await consul.createSession();
  const client = await openContestant('client-write', address);
  const library = await openContestant('consul-lock', address);
  const handOver = client.lockOn('bench/parts/client', PATIENT);
  const writers: Writer[] = [
    rawWriter('a lock with 3 bytes', consul, { session, bytes: 3, isGuarded: false }),
    rawWriter('guarded by its index', consul, { session, bytes: 3, isGuarded: true }),
    rawWriter('with 150 bytes', consul, { session, bytes: 150, isGuarded: true }),
    {
      name: 'by the consul client',
      writeUntil: async (end) => await oneByOne(async () => await handOver.acquire(), end),
      tookUs: [],
    },
    {
      name: `by consul-lock, for ${CALLERS} callers`,
      writeUntil: async (end) => await byManyCallers(library.lockOn('bench/parts/library', PATIENT), end),
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
    await client.close();
    await library.close();
  }
  return writers.map(({ name, tookUs }) => ({ name, medianUs: median(tookUs), meanUs: mean(tookUs) }));
}

async function oneByOne(write: () => Promise<unknown>, end: number): Promise<number[]> {
  const tookUs: number[] = [];
  while (performance.now() < end) {
    const sentAt = performance.now();
    await write();
    tookUs.push((performance.now() - sentAt) * 1_000);
  }
  return tookUs;
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

function rawWriter(
  name: string,
  consul: RawConsul,
  { session, bytes, isGuarded }: { session: string; bytes: number; isGuarded: boolean },
): Writer {
  const Key = `bench/parts/${name.replaceAll(' ', '-')}`;
  const Value = Buffer.alloc(bytes, 'x').toString('base64');
  let [flags, index] = [0, 0];
  const write = async (): Promise<void> => {
    flags += 1;
    const lock = { Verb: 'lock', Key, Value, Flags: flags, Session: session };
    const guard = { Verb: 'check-index', Key, Index: index };
    const written = await consul.transaction(isGuarded && index > 0 ? [guard, lock] : [lock]);
    if (!written.isDone) throw new Error('the write was refused');
    index = written.index;
  };
  return { name, writeUntil: async (end) => await oneByOne(write, end), tookUs: [] };
}
