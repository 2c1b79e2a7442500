import { EphemeralLock } from 'consul-lock';

// #region sample
await new EphemeralLock('reports/daily').hold(async (handle) => {
  const done = Buffer.from(new Date().toISOString()).toString('base64');
  // Refused by Consul itself once the lock is no longer ours, however late it arrives.
  await handle.transaction([{ KV: { Verb: 'set', Key: 'reports/last-run', Value: done } }]);
});
// #endregion
console.log('written');
