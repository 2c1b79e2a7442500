import { openContestant } from '../contestants/open-contestant.ts';
import { PATIENT } from '../contestants/contestant.ts';
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
  readonly write: () => Promise<unknown>;
  readonly tookUs: number[];
}

/** What the write of a hand-over takes, beside the barest write that takes a lock: each line has one thing more. */
export async function writeByParts(
  address: string,
  { warmUpMs, forMs }: { readonly warmUpMs: number; readonly forMs: number },
): Promise<WrittenPart[]> {
  const consul = new RawConsul(address);
  const session = await consul.createSession();
  const client = await openContestant('client-write', address);
  const handOver = client.lockOn('bench/parts/client', PATIENT);
  const writers: Writer[] = [
    rawWriter('a lock with 3 bytes', consul, { session, bytes: 3, isGuarded: false }),
    rawWriter('guarded by its index', consul, { session, bytes: 3, isGuarded: true }),
    rawWriter('with 150 bytes', consul, { session, bytes: 150, isGuarded: true }),
    { name: 'by the consul client', write: async () => await handOver.acquire(), tookUs: [] },
  ];
  try {
    const began = performance.now();
    while (performance.now() - began < warmUpMs + forMs) {
      for (const { write, tookUs } of writers) {
        const turnBegan = performance.now();
        while (performance.now() - turnBegan < BY_TURNS_MS) {
          const sentAt = performance.now();
          await write();
          if (sentAt - began >= warmUpMs) tookUs.push((performance.now() - sentAt) * 1_000);
        }
      }
    }
  } finally {
    await consul.destroySession(session);
    consul.close();
    await client.close();
  }
  return writers.map(({ name, tookUs }) => ({ name, medianUs: median(tookUs), meanUs: mean(tookUs) }));
}

function rawWriter(
  name: string,
  consul: RawConsul,
  { session, bytes, isGuarded }: { session: string; bytes: number; isGuarded: boolean },
): Writer {
  const Key = `bench/parts/${name.replaceAll(' ', '-')}`;
  const Value = Buffer.alloc(bytes, 'x').toString('base64');
  let [flags, index] = [0, 0];
  return {
    name,
    async write() {
      flags += 1;
      const lock = { Verb: 'lock', Key, Value, Flags: flags, Session: session };
      const guard = { Verb: 'check-index', Key, Index: index };
      const written = await consul.transaction(isGuarded && index > 0 ? [guard, lock] : [lock]);
      if (!written.isDone) throw new Error('the write was refused');
      index = written.index;
    },
    tookUs: [],
  };
}
