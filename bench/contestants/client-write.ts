import { ClientTransactions, VALUE } from './client-transactions.ts';
import type { Contestant } from './contestant.ts';

/** No lock either: the write by which a lock is handed over, sent by the `consul` client. */
export async function openClientWrite(address: string): Promise<Contestant> {
  const consul = await ClientTransactions.open(address);
  const { session: Session } = consul;
  let [flags, token] = [0, 0];
  return {
    lockOn: (Key) => ({
      async acquire() {
        flags += 1;
        const content = { Key, Value: VALUE, Flags: flags };
        token = await consul.commit([
          token === 0 ? { Verb: 'lock', ...content, Session } : { Verb: 'cas', ...content, Index: token },
        ]);
        return async () => {};
      },
    }),
    close: async () => await consul.close(),
  };
}
