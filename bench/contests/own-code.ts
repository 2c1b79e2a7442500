import { setImmediate as nextRound } from 'node:timers/promises';
import { CLOCK, systemClock } from '../../lib/clock.ts';
import type { ConsulClient } from '../../lib/consul-client.ts';
import type { KvOperation } from '../../lib/consul-gate.ts';
import { EphemeralLock } from '../../lib/index.ts';

/** Until the code of a lock is compiled. */
const WARM_UP_LOCKS = 50_000;
const LOCKS = 50_000;

const SESSION = '00000000-0000-4000-8000-000000000000';

/**
 * What the code of this library takes for each lock where nothing else is done meanwhile, in microseconds of CPU: on a client in
 * memory, less what that client takes by itself.
 */
export async function ownCodeUs(): Promise<number> {
  const client = clientInMemory();
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
  return (await usOf(cycle, LOCKS)) - (await usOf(bare, LOCKS));
}

async function usOf(act: () => Promise<void>, times: number): Promise<number> {
  const before = process.cpuUsage();
  for (let time = 0; time < times; time++) await act();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / times;
}

/** Knows one key, whose lock nobody else wants, and answers in the next round of the loop. */
function clientInMemory(): {
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
        await nextRound();
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
