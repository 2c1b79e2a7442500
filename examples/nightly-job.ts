import { setTimeout as pause } from 'node:timers/promises';
import { toBase64 } from './base64.ts';

async function makeReports(night: string, options: { signal: AbortSignal }): Promise<void> {
  await pause(100, undefined, options);
  console.log(`reports of ${night} made`);
}

// #region sample
import { EphemeralLock } from 'consul-lock';

const night = process.argv[2] ?? new Date().toISOString().slice(0, 10);
const mark = `reports/made/${night}`;

const job = new EphemeralLock('reports/nightly', { lockTimeoutMs: 60_000, renew: { maxHoldMs: 3_600_000 } });

await using handle = await job.tryAcquire();
if (handle === null) {
  console.log('another host is at it');
} else if ((await handle.transaction([{ KV: { Verb: 'get-tree', Key: mark } }])).length > 0) {
  console.log(`reports of ${night} were there before`);
} else {
  await makeReports(night, { signal: handle.signal });
  await handle.transaction([{ KV: { Verb: 'set', Key: mark, Value: toBase64('made') } }]);
}
// #endregion
