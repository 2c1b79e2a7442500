import { EphemeralLock } from 'consul-lock';
import { sendWelcomeEmail } from './welcome-email.ts';

const lock = new EphemeralLock('users/42/welcome-email');

// #region sample
await using handle = await lock.tryAcquire();
if (handle === null) console.log('somebody else is at it');
else await sendWelcomeEmail(42, { signal: handle.signal });
// #endregion
