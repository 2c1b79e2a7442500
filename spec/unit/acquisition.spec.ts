import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { failureOf } from '../support/failure-of.ts';
import { connectionReset, deny, hang, type Hook, once, refuse } from '../support/hooked-client.ts';
import { deferred, FakeScene, FULL_KEY } from '../support/fake-scene.ts';

let scene: FakeScene;

beforeEach(() => {
  scene = new FakeScene();
});

afterEach(async () => await scene.end());

/** The answer of a transaction that was refused. */
function refusing(what: string): Hook {
  return async () => {
    throw Object.assign(new Error('conflict'), {
      isResponse: true,
      statusCode: 409,
      response: { statusCode: 409, body: { Errors: [{ OpIndex: 0, What: what }] } },
    });
  };
}

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
    ['without a reason', refusing(''), 'a refusal of an unknown kind'],
    ['of an unknown kind', refusing('something new'), 'a refusal of an unknown kind: something new'],
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

describe('a cancellation', () => {
  const reason = new Error('cancelled');

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
