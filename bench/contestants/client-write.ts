import { Agent } from 'node:http';
import Consul from 'consul';
import type { Contestant } from './contestant.ts';

interface Committed {
  readonly Results: readonly { readonly KV: { readonly ModifyIndex: number } }[];
}

/**
 * No lock either: the write by which a lock is handed over, guarded and with a value as long as ours, sent by the `consul`
 * client and nothing else. What stands on that client cannot be faster.
 */
export async function openClientWrite(address: string): Promise<Contestant> {
  const [host, port] = address.split(':');
  const agent = new Agent({ keepAlive: true });
  const consul = new Consul({ host: host!, port: Number(port), agent });
  const { ID: Session } = await consul.session.create({ ttl: '3600s', behavior: 'delete', lockdelay: '0s' });
  const Value = Buffer.alloc(150, 'x').toString('base64');
  let [flags, token] = [0, 0];
  return {
    lockOn: (Key) => ({
      async acquire() {
        flags += 1;
        const guard = { Verb: 'check-index', Key, Index: token };
        const write = { Verb: 'lock', Key, Value, Flags: flags, Session };
        const operations = (token === 0 ? [write] : [guard, write]).map((KV) => ({ KV }));
        const create = consul.transaction.create.bind(consul.transaction) as unknown as (
          operations: object[],
        ) => Promise<Committed>;
        token = (await create(operations)).Results.at(-1)!.KV.ModifyIndex;
        return async () => {};
      },
    }),
    async close() {
      await consul.session.destroy(Session);
      agent.destroy();
    },
  };
}
