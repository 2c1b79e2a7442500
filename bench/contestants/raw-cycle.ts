import type { Contestant, Release } from './contestant.ts';
import { RawConsul } from './raw-consul.ts';

/**
 * The least that a lock can cost: one write to take it and one to give it back, on a session that is there already.
 * Whoever finds the key held waits in a blocking query and then writes.
 */
export async function openRawCycle(address: string): Promise<Contestant> {
  const consul = new RawConsul(address);
  const Session = await consul.createSession();
  return {
    lockOn: (key) => ({ acquire: async () => await take(consul, key, Session) }),
    async close() {
      await consul.destroySession(Session);
      consul.close();
    },
  };
}

async function take(consul: RawConsul, Key: string, Session: string): Promise<Release> {
  const Value = Buffer.from('raw').toString('base64');
  for (;;) {
    const taken = await consul.transaction([
      { Verb: 'check-not-exists', Key },
      { Verb: 'lock', Key, Value, Session },
    ]);
    if (taken.isDone) {
      return async () => {
        const givenBack = await consul.transaction([
          { Verb: 'check-session', Key, Session },
          { Verb: 'check-index', Key, Index: taken.index },
          { Verb: 'delete', Key },
        ]);
        if (!givenBack.isDone) throw new Error('the lock was no longer ours at its release');
      };
    }
    const held = await consul.send('GET', `/v1/kv/${Key}`);
    if (held.status === 200) await consul.send('GET', `/v1/kv/${Key}?index=${held.index}&wait=10s`);
  }
}
