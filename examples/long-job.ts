import { EphemeralLock } from 'consul-lock';
import { setTimeout as pause } from 'node:timers/promises';

const steps = [1, 2, 3];
const work = async (_step: number, options: { signal: AbortSignal }): Promise<void> =>
  await pause(10, undefined, options);

// #region sample
const job = new EphemeralLock(['accounts/1', 'accounts/2'], {
  acquireTimeoutMs: Infinity,
  renew: { maxHoldMs: 3_600_000 },
});
await job.hold(async ({ signal }) => {
  for (const step of steps) await work(step, { signal });
});
// #endregion
console.log('done');
