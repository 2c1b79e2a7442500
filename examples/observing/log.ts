// #region sample
import { channel } from 'node:diagnostics_channel';
import type { AcquireMessage, LostMessage, ReleaseMessage } from 'consul-lock';
import { pino } from 'pino';

const logger = pino({ name: 'locks' });

channel('tracing:consul-lock:acquire:asyncEnd').subscribe((message) => {
  const { keys, waitedMs, attempts, fencingToken, error } = message as AcquireMessage;
  // Not the error as it is: it may carry the holder, with the value of its lock.
  const { message: why } = (error ?? {}) as Partial<Error>;
  if (error !== undefined) logger.error({ keys, waitedMs, attempts, why }, 'not acquired');
  else if (fencingToken === undefined) logger.info({ keys, waitedMs, attempts }, 'somebody else has it');
  else logger.info({ keys, waitedMs, attempts, fencingToken }, 'acquired');
});
channel('tracing:consul-lock:release:asyncEnd').subscribe((message) => {
  const { keys, heldMs, marginMs, stillOurs } = message as ReleaseMessage;
  logger.info({ keys, heldMs, marginMs, stillOurs }, 'released');
});
channel('consul-lock:lost').subscribe((message) => {
  const { keys, reason } = message as LostMessage;
  logger.warn({ keys, reason }, 'lost');
});
// #endregion

import { EphemeralLock, forceRelease } from 'consul-lock';

const lock = new EphemeralLock(process.argv[2] ?? 'log');
await lock.hold(async () => {
  await lock.tryAcquire();
  await lock.acquire().catch(() => {});
});
const handle = await lock.acquire();
await forceRelease(lock.key);
await handle.release();
