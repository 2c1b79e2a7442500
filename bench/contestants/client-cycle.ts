import { Agent } from 'node:http';
import Consul from 'consul';
import type { Contestant } from './contestant.ts';

interface Committed {
  readonly Results: readonly { readonly KV: { readonly ModifyIndex: number } }[] | null;
}

/**
 * For a single caller: the two writes of a lock on a session that is there already, guarded and with a value as long as ours, sent
 * by the `consul` client and nothing else: what whoever stands on that client has to pay.
 */
export async function openClientCycle(address: string): Promise<Contestant> {
  const [host, port] = address.split(':');
  const agent = new Agent({ keepAlive: true });
  const consul = new Consul({ host: host!, port: Number(port), agent });
  const { ID: Session } = await consul.session.create({ ttl: '3600s', behavior: 'delete', lockdelay: '0s' });
  const Value = Buffer.alloc(150, 'x').toString('base64');
  let flags = 0;

  async function commit(operations: readonly object[]): Promise<number> {
    const create = consul.transaction.create.bind(consul.transaction) as unknown as (
      operations: object[],
    ) => Promise<Committed>;
    const { Results } = await create(operations.map((KV) => ({ KV })));
    return Results?.at(-1)?.KV.ModifyIndex ?? 0;
  }

  return {
    lockOn: (Key) => ({
      async acquire() {
        flags += 1;
        const Index = await commit([
          { Verb: 'check-not-exists', Key },
          { Verb: 'lock', Key, Value, Flags: flags, Session },
        ]);
        return async () => {
          await commit([
            { Verb: 'check-session', Key, Session },
            { Verb: 'delete-cas', Key, Index },
          ]);
        };
      },
    }),
    async close() {
      await consul.session.destroy(Session);
      agent.destroy();
    },
  };
}
