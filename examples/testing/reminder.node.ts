// #region sample
import { deepEqual, equal, rejects } from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { configure, EphemeralLock, resetDefaults } from 'consul-lock';
import { FakeConsul } from 'consul-lock/testing';
import { remind } from './reminder.ts';

let fake: FakeConsul;
let sent: string[];

beforeEach(() => {
  fake = new FakeConsul();
  configure({ consulClient: fake, lockTimeoutMs: 30_000 });
  sent = [];
});
afterEach(() => resetDefaults());

test('stops when the lock is lost', async () => {
  const sendAndLose = async (person: string): Promise<void> => {
    sent.push(person);
    for (const { ID } of fake.sessions()) fake.invalidateSession(ID);
    await fake.advance(0);
  };
  await rejects(remind('7', ['ann', 'bob'], sendAndLose), {
    code: 'LOCK_LOST',
    reason: 'session-invalidated',
  });
  deepEqual(sent, ['ann']);
});

test('leaves it to whoever is at it', async () => {
  await using _other = await new EphemeralLock('invoices/7/reminder').acquire();
  const send = async (person: string): Promise<void> => void sent.push(person);
  equal(await remind('7', ['ann'], send), false);
  deepEqual(sent, []);
});
// #endregion
