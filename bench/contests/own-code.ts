import { setImmediate as nextRound, setTimeout as pause } from 'node:timers/promises';
import { CLOCK } from '../../lib/clock.ts';
import { systemClock } from '../../lib/system-clock.ts';
import type { ConsulClient } from '../../lib/consul-client.ts';
import type { KvOperation } from '../../lib/consul-gate.ts';
import { EphemeralLock } from '../../lib/index.ts';

/** Until the code of a lock is compiled. */
const WARM_UP_LOCKS = 50_000;
const LOCKS = 50_000;
/** With a pause for each answer: what a server takes, and in which the processor forgets. */
const PAUSE_MS = 1;
const LOCKS_WITH_PAUSES = 5_000;

const SESSION = '00000000-0000-4000-8000-000000000000';

/** In microseconds of CPU for each lock. */
export interface OwnCode {
  readonly atOnceUs: number;
  readonly withPausesUs: number;
}

/** What the code of this library takes without Consul, Node's `http` and the client: on one in memory, less what that takes by itself. */
export async function ownCode(): Promise<OwnCode> {
  let answered: () => Promise<unknown> = nextRound;
  const client = clientInMemory(async () => await answered());
  const lock = new EphemeralLock('bench/own-code', { consulClient: client as unknown as ConsulClient });
  const cycle = async (): Promise<void> => {
    const handle = await lock.acquire();
    await handle.release();
  };
  const bare = async (): Promise<void> => {
    await client.transaction.create([
      { KV: { Verb: 'lock', Key: 'bench/bare', Session: SESSION, Flags: 1 } },
    ]);
    await client.transaction.create([{ KV: { Verb: 'delete', Key: 'bench/bare' } }]);
  };
  for (const one of [cycle, bare]) await usOf(one, WARM_UP_LOCKS);
  const atOnceUs = (await usOf(cycle, LOCKS)) - (await usOf(bare, LOCKS));
  answered = async () => await pause(PAUSE_MS);
  const withPausesUs = (await usOf(cycle, LOCKS_WITH_PAUSES)) - (await usOf(bare, LOCKS_WITH_PAUSES));
  return { atOnceUs, withPausesUs };
}

async function usOf(act: () => Promise<void>, times: number): Promise<number> {
  const before = process.cpuUsage();
  for (let time = 0; time < times; time++) await act();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / times;
}

/** Knows one key, whose lock nobody else wants. */
function clientInMemory(answered: () => Promise<unknown>): {
  transaction: { create(operations: readonly KvOperation[]): Promise<unknown> };
} {
  let index = 1;
  let held: object | undefined;
  return {
    [CLOCK]: systemClock,
    session: {
      create: async () => ({ ID: SESSION }),
      renew: async () => [{ ID: SESSION }],
      info: async () => ({ ID: SESSION, TTL: '10s' }),
      destroy: async () => {
        held = undefined;
        return true;
      },
    },
    kv: { get: async () => held },
    transaction: {
      async create(operations: readonly KvOperation[]) {
        await answered();
        index += 1;
        const { Verb, Key, Session, Flags } = operations.at(-1)!.KV;
        held =
          Verb === 'lock'
            ? { Key, Session, Flags, ModifyIndex: index, CreateIndex: index, LockIndex: 1, Value: null }
            : undefined;
        return { Results: held ? [{ KV: held }] : null, Errors: null };
      },
    },
  } as never;
}
