import { sendWelcomeEmail } from './welcome-email.ts';

// #region sample
import { EphemeralLock } from 'consul-lock';

const lock = new EphemeralLock('users/42/welcome-email');

await lock.hold(async (handle) => {
  await sendWelcomeEmail(42, { signal: handle.signal });
});
// #endregion
