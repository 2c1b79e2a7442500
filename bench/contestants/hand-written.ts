import { Agent } from 'node:http';
import Consul from 'consul';
import type { BenchLock, Contestant, LockTerms, Release } from './contestant.ts';

/** What the shipped types of `consul` do not know of. */
interface Entry {
  readonly Session?: string;
  readonly ModifyIndex: number;
}

/**
 * The recipe of Consul's documentation as people write it today, on the `consul` client: create a session, acquire the
 * key, work, destroy the session; whoever finds the key held waits in a blocking query and tries again.
 */
export function openHandWritten(address: string): Contestant {
  const [host, port] = address.split(':');
  const agent = new Agent({ keepAlive: true });
  const consul = new Consul({ host: host!, port: Number(port), agent });
  return {
    lockOn: (key, terms) => lockOn(consul, key, terms),
    close: async () => agent.destroy(),
  };
}

function lockOn(consul: Consul, key: string, { waitMs }: LockTerms): BenchLock {
  return {
    async acquire(): Promise<Release> {
      const deadline = performance.now() + waitMs;
      // With the default lock delay nobody would get the lock for 15 s after the session's end.
      const { ID } = await consul.session.create({ ttl: '60s', behavior: 'delete', lockdelay: '0s' });
      try {
        while ((await consul.kv.set({ key, value: 'held', acquire: ID })) !== true) {
          if (performance.now() >= deadline) throw new Error('held by another');
          await whileHeld(consul, key);
        }
      } catch (error) {
        await consul.session.destroy(ID);
        throw error;
      }
      return async () => {
        await consul.session.destroy(ID);
      };
    },
  };
}

async function whileHeld(consul: Consul, key: string): Promise<void> {
  const entry = (await consul.kv.get(key)) as Entry | undefined;
  if (entry?.Session === undefined) return;
  await consul.kv.get({ key, index: String(entry.ModifyIndex), wait: '10s' } as object as { key: string });
}
