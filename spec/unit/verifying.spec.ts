import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { KvOperation, LockHandle } from '../../lib/index.ts';
import { failureOf } from '../support/failure-of.ts';
import { connectionReset, cutAnswer, type Hook, once, refusing } from '../support/hooked-client.ts';
import { base64, deferred, FakeScene, FULL_KEY } from '../support/fake-scene.ts';

let scene: FakeScene;

beforeEach(() => {
  scene = new FakeScene();
});

afterEach(async () => await scene.end());

function rewriting(value: string, fullKey = FULL_KEY): KvOperation {
  return { KV: { Verb: 'set', Key: fullKey, Value: base64(value) } };
}

/** Consul answers at once, and the answer is under way until `arrival`. */
function late(arrival: Promise<void>): Hook {
  return async (send) => {
    const answer = await send();
    await arrival;
    return answer;
  };
}

/** `look` is answered before a rewriting is sent, and the answer comes after the rewriting's. */
async function lookOvertakenByRewriting<T>(handle: LockHandle, look: () => Promise<T>): Promise<T> {
  const arrival = deferred();
  const sent = scene.client.next('kv.get');
  scene.client.on('kv.get', once(late(arrival.promise)));
  const looking = look();
  await sent;
  await scene.fake.advance(0);
  await handle.transaction([rewriting('rewritten', handle.fullKeys.at(-1))]);
  arrival.resolve();
  return await looking;
}

describe('a look at the key that is older than a rewriting of the holder’s', () => {
  it.each([1, 3])('is no loss to verify, with %d key(s)', async (count) => {
    const handle = await scene.lock({}, ['key', 'b', 'c'].slice(0, count)).acquire();
    expect(await lookOvertakenByRewriting(handle, async () => await handle.verify())).toBe(true);
    expect(handle.isHeld).toBe(true);
    expect(await handle.release()).toBe(true);
  });

  it('is no loss to verify after many rewritings', async () => {
    const handle = await scene.lock().acquire();
    const verifying = lookOvertakenByRewriting(handle, async () => {
      const looking = handle.verify();
      await scene.fake.advance(0);
      for (let i = 0; i < 8; i++) await handle.transaction([rewriting(String(i))]);
      return await looking;
    });
    expect(await verifying).toBe(true);
    expect(await handle.release()).toBe(true);
  });

  it('is no loss to renew', async () => {
    const handle = await scene.lock().acquire();
    await lookOvertakenByRewriting(handle, async () => await handle.renew());
    expect(handle.isHeld).toBe(true);
    expect(await handle.release()).toBe(true);
  });

  it('is no loss to the watching that signal begins', async () => {
    const handle = await scene.lock().acquire();
    const signal = await lookOvertakenByRewriting(handle, async () => handle.signal);
    await scene.fake.advance(0);
    expect([signal.aborted, handle.isHeld]).toEqual([false, true]);
    expect(await handle.release()).toBe(true);
  });
});

describe('a look at the key while a rewriting is under way', () => {
  it('is no loss when it sees what the rewriting wrote', async () => {
    const handle = await scene.lock().acquire();
    const arrival = deferred();
    scene.client.on('transaction', once(late(arrival.promise)));
    const writing = handle.transaction([rewriting('rewritten')]);
    await scene.fake.advance(0);
    expect(await handle.verify()).toBe(true);
    await handle.renew();
    arrival.resolve();
    await writing;
    expect(await handle.verify()).toBe(true);
    expect(await handle.release()).toBe(true);
  });

  it('adopts the token of a rewriting whose answer never came', async () => {
    const handle = await scene.lock().acquire();
    const before = handle.fencingToken;
    scene.client.on('transaction', once(cutAnswer));
    expect(await failureOf(async () => await handle.transaction([rewriting('rewritten')]))).toMatchObject({
      code: 'CONSUL_UNAVAILABLE',
    });
    expect(await handle.verify()).toBe(true);
    expect(handle.fencingToken).toBeGreaterThan(before);
    await handle.transaction([rewriting('again')]);
    expect(await handle.release()).toBe(true);
  });
});

describe('a rewriting to no value whose answer never came', () => {
  it("is what is left behind with behavior 'release'", async () => {
    const handle = await scene.lock({ behavior: 'release' }).acquire();
    scene.client.on('transaction', once(cutAnswer));
    await failureOf(async () => await handle.transaction([rewriting('')]));
    expect(await handle.verify()).toBe(true);
    expect(await handle.release()).toBe(true);
    expect(await scene.entry()).toMatchObject({ Value: null });
  });
});

describe('rewritings side by side', () => {
  it('leave the handle verifiable and releasable, whichever answer comes first', async () => {
    const handle = await scene.lock({}, ['a', 'b']).acquire();
    const arrival = deferred();
    scene.client.on('transaction', once(late(arrival.promise)));
    const [a, b] = handle.fullKeys;
    const first = handle.transaction([rewriting('1', a)]);
    await scene.fake.advance(0);
    await handle.transaction([rewriting('2', b)]);
    arrival.resolve();
    await first;
    expect(await handle.verify()).toBe(true);
    expect(await handle.release()).toBe(true);
  });

  it('of one key in one transaction leave the handle verifiable and releasable', async () => {
    const handle = await scene.lock().acquire();
    const results = await handle.transaction([rewriting('first'), rewriting('second')]);
    expect(results).toHaveLength(2);
    expect((await scene.entry())?.Value).toBe('second');
    expect(await handle.verify()).toBe(true);
    expect(await handle.release()).toBe(true);
  });

  it('with the same Flags given twice leave the handle verifiable and releasable', async () => {
    const handle = await scene.lock().acquire();
    const flagged = (value: string): KvOperation => ({ KV: { ...rewriting(value).KV, Flags: 7 } });
    await handle.transaction([flagged('first'), flagged('second')]);
    expect(await handle.verify()).toBe(true);
    expect(await handle.release()).toBe(true);
  });
});

describe('transaction', () => {
  it('rejects when somebody else has rewritten the key, and the lock stays held', async () => {
    const handle = await scene.lock().acquire();
    await scene.fake.kv.set({ key: FULL_KEY, value: 'by an outsider' });
    const error = await failureOf(async () => await handle.transaction([rewriting('mine')]));
    expect(error).toMatchObject({
      code: 'CONSUL_REJECTED',
      operation: 'transaction',
      message: expect.stringContaining('was rewritten by somebody else'),
    });
    expect(handle.isHeld).toBe(true);
    expect(await handle.release()).toBe(true);
  });

  describe('refused because a lock delay runs for its own key', () => {
    it('rejects with that, when the lock is still held, and sends it once', async () => {
      const handle = await scene.lock().acquire();
      const What = `failed to lock key "${FULL_KEY}" due to lock delay`;
      const refused = jest.fn(refusing({ OpIndex: 2, What }));
      scene.client.on('transaction', once(refused));
      const error = await failureOf(async () => await handle.transaction([rewriting('mine')]));
      expect(error).toMatchObject({
        code: 'CONSUL_REJECTED',
        transient: true,
        message: expect.stringContaining('due to lock delay'),
      });
      expect(refused).toHaveBeenCalledTimes(1);
      expect(scene.client.sent.filter(({ operation }) => operation === 'transaction')).toHaveLength(2);
      expect(handle.isHeld).toBe(true);
      await handle.transaction([rewriting('mine')]);
      expect(await handle.release()).toBe(true);
    });

    it('rejects with the loss when it is the delay after its own session', async () => {
      const handle = await scene.lock({ lockDelayMs: 5_000 }).acquire();
      await scene.fake.session.destroy(handle.sessionId);
      const error = await failureOf(async () => await handle.transaction([rewriting('mine')]));
      expect(error).toMatchObject({ code: 'LOCK_LOST', reason: 'session-invalidated' });
      expect(handle.isHeld).toBe(false);
    });
  });

  it('is sent again when its guards met the handle’s own rewriting that was under way', async () => {
    const handle = await scene.lock().acquire();
    const arrival = deferred();
    scene.client.on('transaction', once(late(arrival.promise)));
    const first = handle.transaction([rewriting('first')]);
    await scene.fake.advance(0);
    await handle.transaction([rewriting('second')]);
    arrival.resolve();
    await first;
    expect((await scene.entry())?.Value).toBe('second');
    expect(await handle.release()).toBe(true);
  });

  it('is sent again as often as its guards meet rewritings of the handle’s own', async () => {
    const handle = await scene.lock().acquire();
    const values = ['first', 'second', 'third', 'fourth'];
    await Promise.all(values.map(async (value) => await handle.transaction([rewriting(value)])));
    expect(values).toContain((await scene.entry())?.Value);
    expect(handle.fencingToken).toBe((await scene.entry())?.ModifyIndex);
    expect(await handle.release()).toBe(true);
  });

  it('is never sent again after an ambiguous answer', async () => {
    const handle = await scene.lock().acquire();
    const before = scene.client.count('transaction');
    scene.fake.failNext('transaction', connectionReset());
    expect(await failureOf(async () => await handle.transaction([rewriting('x')]))).toMatchObject({
      code: 'CONSUL_UNAVAILABLE',
    });
    expect(scene.client.count('transaction')).toBe(before + 1);
    expect(await handle.release()).toBe(true);
  });
});
