import { ClientTransactions, VALUE } from './client-transactions.ts';
import type { Contestant } from './contestant.ts';

/** No lock either: the write by which a lock is handed over, guarded, sent by the `consul` client. */
export async function openClientWrite(address: string): Promise<Contestant> {
  const consul = await ClientTransactions.open(address);
  const { session: Session } = consul;
  let [flags, token] = [0, 0];
  return {
    lockOn: (Key) => ({
      async acquire() {
        flags += 1;
        const guard = { Verb: 'check-index', Key, Index: token };
        const write = { Verb: 'lock', Key, Value: VALUE, Flags: flags, Session };
        token = await consul.commit(token === 0 ? [write] : [guard, write]);
        return async () => {};
      },
    }),
    close: async () => await consul.close(),
  };
}
