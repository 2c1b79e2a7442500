// #region sample
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { configure, EphemeralLock, resetDefaults } from 'consul-lock';
import { FakeConsul } from 'consul-lock/testing';
import { remind, type Send } from './reminder.ts';

let fake: FakeConsul;
const send = jest.fn<Send>();

beforeEach(() => {
  fake = new FakeConsul();
  configure({ consulClient: fake, lockTimeoutMs: 30_000 });
  send.mockReset();
});
afterEach(() => resetDefaults());

test('reminds everybody, and gives the lock back', async () => {
  expect(await remind('7', ['ann', 'bob'], send)).toBe(true);
  expect(send.mock.calls.map(([person]) => person)).toEqual(['ann', 'bob']);
  expect(fake.keys()).toEqual([]);
});
// #endregion

// #region lost
test('stops when the lock is lost', async () => {
  send.mockImplementationOnce(async () => {
    // An operator ends the session while the first reminder is on its way.
    for (const { ID } of fake.sessions()) fake.invalidateSession(ID);
    await fake.advance(0);
  });
  await expect(remind('7', ['ann', 'bob'], send)).rejects.toMatchObject({
    code: 'LOCK_LOST',
    reason: 'session-invalidated',
  });
  expect(send).toHaveBeenCalledTimes(1);
});

test('does not take a slow run for a good one', async () => {
  send.mockImplementationOnce(async () => await fake.advance(30_000)); // the TTL, in no time
  await expect(remind('7', ['ann'], send)).rejects.toMatchObject({ code: 'LOCK_LOST', reason: 'expired' });
});
// #endregion

// #region contention
test('leaves it to whoever is at it', async () => {
  await using _other = await new EphemeralLock('invoices/7/reminder').acquire();
  expect(await remind('7', ['ann'], send)).toBe(false);
  expect(send).not.toHaveBeenCalled();
});

test('reminds once when it is called twice', async () => {
  const answers = await Promise.all([remind('7', ['ann'], send), remind('7', ['ann'], send)]);
  expect(answers.toSorted()).toEqual([false, true]);
  expect(send).toHaveBeenCalledTimes(1);
});
// #endregion

// #region outage
test('says that Consul is away, and not that somebody else is at it', async () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  configure({ consulClient: fake, retryTimeoutMs: 0 });
  fake.failNext('session.create', refused);
  await expect(remind('7', ['ann'], send)).rejects.toMatchObject({ code: 'CONSUL_UNAVAILABLE' });
  expect(send).not.toHaveBeenCalled();
});
// #endregion

test('gets along with timers that jest has replaced', async () => {
  jest.useFakeTimers();
  try {
    await using first = await new EphemeralLock('invoices/7/reminder').acquire();
    const second = new EphemeralLock('invoices/7/reminder').acquire({ acquireTimeoutMs: 5_000 });
    const failure = second.catch((error: unknown) => error);
    await jest.advanceTimersByTimeAsync(4_000);
    expect(first.remainingMs).toBe(30_000);
    await fake.advance(5_000);
    expect(await failure).toMatchObject({ code: 'LOCK_NOT_ACQUIRED' });
    expect(first.remainingMs).toBe(25_000);
  } finally {
    jest.useRealTimers();
  }
});
