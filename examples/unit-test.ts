// #region sample
import { EphemeralLock } from 'consul-lock';
import { FakeConsul } from 'consul-lock/testing';

const fake = new FakeConsul();
const lock = new EphemeralLock('users/42', { consulClient: fake, lockTimeoutMs: 30_000 });

const handle = await lock.acquire();
await fake.advance(30_000); // the time is over
console.assert(!handle.isHeld && handle.signal.aborted);
// #endregion
console.log(handle.isHeld ? 'still held' : 'lost in time');
