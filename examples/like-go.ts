import { setTimeout as pause } from 'node:timers/promises';
import { EphemeralLock } from 'consul-lock';

// #region sample
const leader = new EphemeralLock('service/shop/leader', {
  lockKeyPattern: '%s',
  acquireTimeoutMs: Infinity,
  lockTimeoutMs: 15_000,
  renew: true,
  lockDelayMs: 15_000,
  checks: ['serfHealth'],
  behavior: 'release',
});
// #endregion

await leader.hold(async ({ sessionId }) => {
  console.log(sessionId);
  await pause(500);
});
