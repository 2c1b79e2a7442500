import type { Contestant } from './contestant.ts';
import { RawConsul } from './raw-consul.ts';

/** No lock at all: each "acquisition" is a single write, as small as one that moves a lock on can be. */
export async function openRawWrite(address: string): Promise<Contestant> {
  const consul = new RawConsul(address);
  const Session = await consul.createSession();
  let flags = 0;
  return {
    lockOn: (key) => ({
      async acquire() {
        // Other flags each time: a write that changes nothing does not move the key's index.
        flags += 1;
        const Value = Buffer.from('raw').toString('base64');
        const written = await consul.transaction([{ Verb: 'lock', Key: key, Value, Flags: flags, Session }]);
        if (!written.isDone) throw new Error('the write was refused');
        return async () => {};
      },
    }),
    async close() {
      await consul.destroySession(Session);
      consul.close();
    },
  };
}
