import { EphemeralLock } from 'consul-lock';

const job = await new EphemeralLock('reports/nightly').acquire();

// #region sample
import { forceRelease, inspectLock, listLocks } from 'consul-lock';

for (const { fullKey, sessionName, node, lockedAt, ttlMs } of await listLocks('reports/')) {
  console.log(fullKey, sessionName, node, lockedAt?.toISOString(), ttlMs);
}

const found = await inspectLock('reports/nightly');
if (found?.sessionId !== undefined) {
  // Only if it is as it was found: whoever has come since is not hit.
  const isFreed = await forceRelease('reports/nightly', { ifFencingToken: found.fencingToken });
  console.log(isFreed ? 'freed' : 'somebody else has it by now');
}
// #endregion

await job.release();
