import { EphemeralLock } from 'consul-lock';
import { sendWelcomeEmail } from './welcome-email.ts';

const lock = new EphemeralLock('users/42/welcome-email');

// #region sample
const handle = await lock.tryAcquire();
if (handle === null) {
  console.log('somebody else is at it');
} else {
  try {
    await sendWelcomeEmail(42);
  } finally {
    await handle.release();
  }
}
// #endregion
