// #region sample
import { equal } from 'node:assert/strict';
import { test } from 'node:test';
import { EphemeralLock } from 'consul-lock';
import { FakeConsul } from 'consul-lock/testing';

const fake = new FakeConsul();
const lock = new EphemeralLock('invoices/7', { consulClient: fake, lockTimeoutMs: 30_000 });

test('waits for its turn', async () => {
  const first = await lock.acquire();
  const second = lock.acquire({ acquireTimeoutMs: 60_000 });
  await fake.advance(0); // it is in line now
  equal(await first.release(), true);
  const handle = await second;
  equal(handle.fencingToken > first.fencingToken, true);
  await handle.release();
});
// #endregion
