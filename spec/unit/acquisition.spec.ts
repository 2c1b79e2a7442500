import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { forceRelease, resetDefaults, shutdown } from '../../lib/index.ts';
import { failureOf } from '../support/failure-of.ts';
import { connectionReset, deny, hang, once, refuse, refusing } from '../support/hooked-client.ts';
import { deferred, FakeScene, FULL_KEY } from '../support/fake-scene.ts';

let scene: FakeScene;

beforeEach(() => {
  scene = new FakeScene();
});

afterEach(async () => await scene.end());

describe('an acquisition that Consul refuses for good', () => {
  it.each(['session.create', 'transaction'] as const)(
    'rejects, and is clean, when %s is denied',
    async (operation) => {
      scene.client.on(operation, deny);
      expect(await failureOf(async () => await scene.lock().acquire())).toMatchObject({
        code: 'CONSUL_DENIED',
        operation,
        keys: ['key'],
      });
      expect(scene.client.count(operation)).toBe(1);
      expect([scene.fake.keys(), scene.fake.sessions()]).toEqual([[], []]);
    },
  );

  it('rejects, and is clean, when it may not look at a key that exists', async () => {
    await scene.leaveBehind(FULL_KEY, 'left');
    scene.client.on('kv.get', deny);
    expect(await failureOf(async () => await scene.lock().acquire())).toMatchObject({
      code: 'CONSUL_DENIED',
    });
    expect(scene.fake.sessions()).toEqual([]);
  });

  it.each([
    ['without a reason', refusing({ OpIndex: 0, What: '' }), 'a refusal of an unknown kind'],
    [
      'of an unknown kind',
      refusing({ OpIndex: 0, What: 'something new' }),
      'a refusal of an unknown kind: something new',
    ],
    ['without the lock in it', async () => ({ Results: [] }), `the lock on ${FULL_KEY} is not in it`],
  ])('retries an answer %s, and rejects with it in the end', async (_title, hook, message) => {
    scene.client.on('transaction', hook);
    const error = await failureOf(async () => await scene.lock({ retryTimeoutMs: 150 }).acquire());
    expect(error).toMatchObject({ code: 'CONSUL_UNAVAILABLE', message: expect.stringContaining(message) });
    expect(scene.client.count('transaction')).toBeGreaterThan(1);
  });
});

describe('an acquisition that gives up', () => {
  it('tells no holder when Consul does not say who it is', async () => {
    const holder = await scene.otherLock().acquire();
    scene.client.on('kv.get', refuse);
    const error = await failureOf(async () => await scene.lock().acquire());
    expect(error).toMatchObject({ code: 'LOCK_NOT_ACQUIRED' });
    expect(error).not.toHaveProperty('holder.fullKey');
    await holder.release();
  });

  it('says that a lock delay is running', async () => {
    const holder = await scene.otherLock({ lockDelayMs: 10_000 }).acquire();
    scene.fake.invalidateSession(holder.sessionId);
    expect(await failureOf(async () => await scene.lock().acquire())).toMatchObject({
      code: 'LOCK_NOT_ACQUIRED',
      message: expect.stringContaining('its lock delay is running'),
    });
    await holder.release();
  });

  it('rejects with the last failure when its time is over while it hangs', async () => {
    scene.client.on('session.create', once(refuse));
    const lock = scene.lock({ retryTimeoutMs: 1_000 });
    const failing = failureOf(async () => await lock.acquire());
    scene.client.on('transaction', hang);
    await scene.client.next('transaction');
    await scene.fake.advance(6_000);
    expect(await failing).toMatchObject({
      code: 'CONSUL_UNAVAILABLE',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });
});

describe('an acquisition', () => {
  it('does not wait for a renewal beside it that is never answered: the lock keeps its old deadline', async () => {
    const lock = scene.lock({ lockTimeoutMs: 900, requestTimeoutMs: 60_000 });
    await (await lock.acquire()).release();
    await scene.fake.advance(200);
    scene.client.on('session.renew', hang);
    const handle = await lock.acquire();
    expect(scene.client.count('session.renew')).toBe(1);
    expect([handle.isHeld, handle.remainingMs <= 700]).toEqual([true, true]);
    expect(await handle.release()).toBe(true);
    expect(scene.fake.sessions()).toEqual([]);
  });

  it('whose answer comes when the lock was freed and has its next holder here takes it from nobody', async () => {
    const [carriedOut, arrival] = [deferred(), deferred()];
    scene.client.on(
      'transaction',
      once(async (send) => {
        const answer = await send();
        carriedOut.resolve();
        await arrival.promise;
        return answer;
      }),
    );
    const late = scene.lock().tryAcquire();
    await carriedOut.promise;
    expect(await forceRelease('key', scene.options)).toBe(true);
    const handle = await scene.lock().acquire();
    arrival.resolve();
    expect(await late).toBeNull();
    expect([handle.isHeld, await handle.verify()]).toEqual([true, true]);
    await handle.release();
  });

  it('has all its rounds after a lock delay, however long that was', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(0);
    const answers = ['due to lock delay', 'failed index check'].flatMap((what) =>
      Array<string>(6).fill(what),
    );
    scene.client.on('transaction', async (send) => {
      const what = answers.shift();
      if (what === undefined) return await send();
      if (answers.length === 5) await scene.fake.advance(60_001);
      return await refusing({ OpIndex: 0, What: what })();
    });
    const handle = await scene.lock({ retryTimeoutMs: 0 }).acquire({ acquireTimeoutMs: 60_000 });
    expect(answers).toEqual([]);
    await handle.release();
  });
});

describe('a cancellation', () => {
  const reason = new Error('cancelled');

  it('by the function that makes the value is told, and nothing is sent', async () => {
    const controller = new AbortController();
    const generateValue = (): string => {
      controller.abort(reason);
      return '';
    };
    const { signal } = controller;
    const lock = scene.lock({ generateValue });
    const acquiring = async (): Promise<unknown> =>
      await lock.acquire({ signal, acquireTimeoutMs: Infinity });
    expect(await failureOf(acquiring)).toBe(reason);
    expect(scene.client.sent).toEqual([]);
  });

  it('by a shutdown out of the function that makes the value is told, and nothing is sent', async () => {
    let ended: Promise<void> | undefined;
    const generateValue = (): string => {
      ended = shutdown();
      return '';
    };
    const lock = scene.lock({ generateValue });
    try {
      const error = await failureOf(async () => await lock.acquire({ acquireTimeoutMs: Infinity }));
      expect(error).toMatchObject({ code: 'LOCK_SHUTDOWN' });
      expect(scene.client.sent).toEqual([]);
      await ended;
    } finally {
      resetDefaults();
    }
  });

  it('while the session is being made ends that session too', async () => {
    const arrival = deferred();
    scene.client.on('session.create', async (send) => {
      await arrival.promise;
      return await send();
    });
    const controller = new AbortController();
    const sent = scene.client.next('session.create');
    const rejected = failureOf(async () => await scene.lock().acquire({ signal: controller.signal }));
    await sent;
    controller.abort(reason);
    arrival.resolve();
    expect(await rejected).toBe(reason);
    expect(scene.client.count('session.destroy')).toBe(1);
  });

  it('while the session is being made does not wait longer than a request may last', async () => {
    scene.client.on('session.create', hang);
    const controller = new AbortController();
    const sent = scene.client.next('session.create');
    const lock = scene.lock({ requestTimeoutMs: 100 });
    const rejected = failureOf(async () => await lock.acquire({ signal: controller.signal }));
    await sent;
    controller.abort(reason);
    await scene.fake.advance(100);
    expect(await rejected).toBe(reason);
  });

  it('while the session is being made and cannot be made leaves nothing', async () => {
    const arrival = deferred();
    scene.client.on('session.create', async () => {
      await arrival.promise;
      throw connectionReset();
    });
    const controller = new AbortController();
    const sent = scene.client.next('session.create');
    const rejected = failureOf(async () => await scene.lock().acquire({ signal: controller.signal }));
    await sent;
    controller.abort(reason);
    arrival.resolve();
    expect(await rejected).toBe(reason);
  });

  it('while a session whose time is over is being ended makes no other', async () => {
    const controller = new AbortController();
    scene.client.on(
      'transaction',
      once(async () => {
        await scene.fake.advance(1_000);
        throw connectionReset();
      }),
    );
    scene.client.on('session.destroy', async (send) => {
      controller.abort(reason);
      return await send();
    });
    const lock = scene.lock({ lockTimeoutMs: 1_000 });
    expect(await failureOf(async () => await lock.acquire({ signal: controller.signal }))).toBe(reason);
    expect(scene.client.count('session.create')).toBe(1);
  });

  it('while an attempt is under way gives back what it takes', async () => {
    const controller = new AbortController();
    scene.client.on('transaction', async (send) => {
      controller.abort(reason);
      return await send();
    });
    const rejected = failureOf(async () => await scene.lock().acquire({ signal: controller.signal }));
    expect(await rejected).toBe(reason);
    expect([scene.fake.keys(), scene.fake.sessions()]).toEqual([[], []]);
  });
});
