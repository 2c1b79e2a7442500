import { ClientTransactions, VALUE } from './client-transactions.ts';
import type { Contestant } from './contestant.ts';

/** For a single caller: the two writes of a lock on a session that is there already, guarded, sent by the `consul` client. */
export async function openClientCycle(address: string): Promise<Contestant> {
  const consul = await ClientTransactions.open(address);
  const { session: Session } = consul;
  let flags = 0;
  return {
    lockOn: (Key) => ({
      async acquire() {
        flags += 1;
        const Index = await consul.commit([
          { Verb: 'check-not-exists', Key },
          { Verb: 'lock', Key, Value: VALUE, Flags: flags, Session },
        ]);
        return async () => {
          await consul.commit([
            { Verb: 'check-session', Key, Session },
            { Verb: 'delete-cas', Key, Index },
          ]);
        };
      },
    }),
    close: async () => await consul.close(),
  };
}
