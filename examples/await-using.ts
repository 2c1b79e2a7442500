import { EphemeralLock } from 'consul-lock';
import { sendWelcomeEmail } from './welcome-email.ts';

const lock = new EphemeralLock('users/42/welcome-email');

// #region sample
{
  await using handle = await lock.acquire({ acquireTimeoutMs: 5_000 });
  await sendWelcomeEmail(42, { signal: handle.signal });
  handle.assertHeld(); // throws when it took too long
} // released here
// #endregion
