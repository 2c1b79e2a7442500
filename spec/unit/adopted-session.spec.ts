import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { lifecycle } from '../../lib/lifecycle.ts';
import { connectionReset, cutAnswer, EVERY_OPERATION, hang, once, refuse } from '../support/hooked-client.ts';
import { failureOf } from '../support/failure-of.ts';
import { deferred, FakeScene, FULL_KEY, LogBook } from '../support/fake-scene.ts';

/** Longer than any spec lasts: requests end by it only as the fake's time moves, and that moves no request. */
const NO_LIMIT_MS = 5_000;

let scene: FakeScene;
let session: string;

beforeEach(async () => {
  scene = new FakeScene();
  session = await scene.userSession();
});

afterEach(async () => await scene.end());

describe('a lock on a session of the user’s', () => {
  it('is never deleted by the clean-up of an attempt that came before an outage longer than its TTL', async () => {
    // Retries come soon, and in an order of their own.
    const { random } = Math;
    jest.spyOn(Math, 'random').mockImplementation(() => random() / 20);
    const sessions = await Promise.all(Array.from({ length: 12 }, async () => await scene.userSession()));
    const locks = sessions.map((id) =>
      scene.lock({ session: id, lockTimeoutMs: 1_000, requestTimeoutMs: 10 }, id),
    );
    scene.client.on('transaction', cutAnswer);
    const sent = scene.client.next('transaction', ({ count }) => count === locks.length);
    const acquiring = locks.map(async (lock) => await lock.acquire({ acquireTimeoutMs: 60_000 }));
    await sent;
    scene.client.on(EVERY_OPERATION, hang);
    await scene.fake.advance(1_500);
    for (let i = 0; i < 6 * locks.length; i++) await scene.client.next(EVERY_OPERATION);
    scene.client.heal();
    const handles = await Promise.all(acquiring);
    await lifecycle.settled();
    const verified = await Promise.all(handles.map(async (handle) => await handle.verify()));
    expect(verified).toEqual(locks.map(() => true));
    await Promise.all(handles.map(async (handle) => await handle.release()));
  });

  it('is begun anew in a failure that passes when one of its keys was deleted under its hands', async () => {
    scene.client.on('transaction', async (send, request) => {
      if (request.count === 1) {
        await send();
        await scene.fake.kv.del('locks/ephemeral/b');
        throw connectionReset();
      }
      // What gives back the other key.
      return request.count === 3 ? await refuse(send, request) : await send();
    });
    const handle = await scene.lock({ session }, ['a', 'b']).acquire();
    expect([scene.client.count('transaction'), await handle.verify()]).toEqual([5, true]);
    await handle.release();
  });

  it('is given back when the attempt that took it was cancelled by the limit of the acquisition', async () => {
    const arrival = deferred();
    scene.client.on(
      'transaction',
      once(async (send) => {
        await arrival.promise;
        return await send();
      }),
    );
    const sent = scene.client.next('transaction');
    const lock = scene.lock({ session, requestTimeoutMs: NO_LIMIT_MS, retryTimeoutMs: 0 });
    const failing = failureOf(async () => await lock.acquire());
    await sent;
    await scene.fake.advance(NO_LIMIT_MS);
    expect(await failing).toMatchObject({ code: 'CONSUL_UNAVAILABLE' });
    arrival.resolve();
    await scene.aftermath();
    expect(await scene.entry()).toBeUndefined();
  });

  it('is given back when its release was cancelled by the limit of the release', async () => {
    const lock = scene.lock({ session, requestTimeoutMs: NO_LIMIT_MS, retryTimeoutMs: 0 });
    const handle = await lock.acquire();
    scene.client.on(['transaction', 'kv.get'], once(hang));
    const sent = scene.client.next('transaction');
    const failing = failureOf(async () => await handle.release());
    await sent;
    await scene.fake.advance(NO_LIMIT_MS);
    expect(await failing).toMatchObject({ code: 'CONSUL_UNAVAILABLE' });
    scene.client.heal();
    await scene.aftermath();
    expect(await scene.entry()).toBeUndefined();
  });

  it('is given back when it is released past its deadline, which says false', async () => {
    const handle = await scene.lock({ session, lockTimeoutMs: 1_000 }).acquire();
    await scene.fake.advance(1_000);
    expect(await handle.release()).toBe(false);
    expect(scene.fake.keys()).toEqual([]);
  });

  it('stays with its holder, its value overwritten by a plain write, after a doubtful attempt of another', async () => {
    const holder = await scene.otherLock({ session }).acquire();
    await scene.fake.kv.set({ key: FULL_KEY, value: 'progress: 50 %' });
    scene.client.on(
      'transaction',
      once(async () => {
        throw connectionReset();
      }),
    );
    const contender = scene.lock({ session, retryTimeoutMs: 0 });
    expect(await failureOf(async () => await contender.acquire())).toMatchObject({
      code: 'CONSUL_UNAVAILABLE',
    });
    await scene.aftermath();
    expect(await scene.entry()).toMatchObject({ Session: session, Value: 'progress: 50 %' });
    expect(await holder.verify()).toBe(true);
    expect(await holder.release()).toBe(true);
  });

  it('is given back after a doubtful attempt however long the outage lasts', async () => {
    const book = new LogBook();
    scene.client.on('transaction', cutAnswer);
    const lock = scene.lock({ session, lockTimeoutMs: 500, retryTimeoutMs: 0, logger: book.logger });
    const sent = scene.client.next('transaction');
    const failing = failureOf(async () => await lock.acquire());
    await sent;
    scene.client.on(EVERY_OPERATION, refuse);
    expect(await failing).toMatchObject({ code: 'CONSUL_UNAVAILABLE' });
    for (let i = 0; i < 20; i++) await scene.fake.advance(1_000);
    expect(await scene.entry()).toMatchObject({ Session: session });
    scene.client.heal();
    await scene.aftermath();
    expect(await scene.entry()).toBeUndefined();
    expect(book.of('warn')).toContain('an attempt on a session of yours is in doubt and is being repeated');
  });
});

describe('a contender on a session of the user’s', () => {
  it('keeps a session alive whose TTL is shorter than lockTimeoutMs', async () => {
    const shortLived = await scene.userSession('1s');
    const holder = await scene.otherLock().acquire();
    const waiting = scene.lock({ session: shortLived }).acquire({ acquireTimeoutMs: 60_000 });
    for (let i = 0; i < 20; i++) await scene.fake.advance(250);
    await holder.release();
    const handle = await waiting;
    expect(handle.sessionId).toBe(shortLived);
    await handle.release();
  });

  const gone = { code: 'CONSUL_REJECTED', operation: 'session.info', keys: ['a', 'b'] };

  it('rejects with the keys of the lock when there is no such session', async () => {
    const lock = scene.lock({ session: '11111111-2222-3333-4444-555555555555' }, ['a', 'b']);
    expect(await failureOf(async () => await lock.acquire())).toMatchObject(gone);
  });

  it('rejects when its session vanishes between the look at it and its renewal', async () => {
    const vanishing = await scene.userSession();
    scene.client.on('session.info', async (send) => {
      const answer = await send();
      await scene.fake.session.destroy(vanishing);
      return answer;
    });
    const lock = scene.lock({ session: vanishing }, ['a', 'b']);
    expect(await failureOf(async () => await lock.acquire())).toMatchObject(gone);
  });

  it('rejects when its session vanishes before the attempt, and takes nothing', async () => {
    const vanishing = await scene.userSession();
    scene.client.on('transaction', async (send) => {
      await scene.fake.session.destroy(vanishing);
      return await send();
    });
    const lock = scene.lock({ session: vanishing }, ['a', 'b']);
    expect(await failureOf(async () => await lock.acquire())).toMatchObject(gone);
    expect(scene.fake.keys()).toEqual([]);
  });

  it('rejects when its session vanishes while it waits', async () => {
    const vanishing = await scene.userSession();
    const holder = await scene.otherLock({}, 'a').acquire();
    const lock = scene.lock({ session: vanishing, lockTimeoutMs: 1_000 }, ['a', 'b']);
    const blocking = scene.client.next('kv.get', ({ options }) => options['index'] !== undefined);
    const waiting = failureOf(async () => await lock.acquire({ acquireTimeoutMs: 60_000 }));
    await blocking;
    await scene.fake.session.destroy(vanishing);
    await scene.fake.advance(1_000);
    expect(await waiting).toMatchObject(gone);
    await holder.release();
  });

  it('rejects when its session vanished in an outage longer than its TTL', async () => {
    const vanishing = await scene.userSession();
    const lock = scene.lock({ session: vanishing, lockTimeoutMs: 1_000 }, ['a', 'b']);
    scene.client.on('transaction', refuse);
    const sent = scene.client.next('transaction');
    const acquiring = failureOf(async () => await lock.acquire({ acquireTimeoutMs: 60_000 }));
    await sent;
    await scene.fake.session.destroy(vanishing);
    await scene.fake.advance(1_500);
    expect(await acquiring).toMatchObject(gone);
  });
});
