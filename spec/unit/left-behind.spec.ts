import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { forceRelease } from '../../lib/index.ts';
import { failureOf } from '../support/failure-of.ts';
import { once } from '../support/hooked-client.ts';
import { base64, FakeScene, FULL_KEY } from '../support/fake-scene.ts';

let scene: FakeScene;

beforeEach(() => {
  scene = new FakeScene();
});

afterEach(async () => await scene.end());

const FULL_A = 'locks/ephemeral/a';

describe('a lock that was left behind', () => {
  it.each([
    ['is removed', async () => await scene.fake.kv.del(FULL_KEY)],
    ['is used again', async () => await scene.leaveBehind(FULL_KEY, 'again')],
  ])('is taken though it %s between the look at it and its taking', async (_title, change) => {
    await scene.leaveBehind(FULL_KEY, 'left');
    scene.client.on('transaction', async (send, { count }) => {
      if (count === 2) await change();
      return await send();
    });
    const handle = await scene.lock().acquire();
    expect(await handle.verify()).toBe(true);
    expect(await handle.release()).toBe(true);
  });

  it.each([
    ['is taken', async () => await (await scene.lock().acquire()).release()],
    ['is freed by force', async () => await forceRelease('key', scene.options)],
  ])('by somebody who unlocked it after a handing over %s', async (_title, take) => {
    const holder = await scene.lock().acquire();
    const waiting = scene.lock().acquire({ acquireTimeoutMs: 60_000 });
    await scene.fake.advance(1);
    await holder.release();
    const { sessionId } = await waiting;
    const { Flags } = (await scene.entry())!;
    await scene.fake.transaction.create([
      { KV: { Verb: 'unlock', Key: FULL_KEY, Value: base64('left'), Flags, Session: sessionId } },
    ]);
    expect(await scene.entry()).toMatchObject({ Value: 'left', LockIndex: 0 });
    expect(await take()).toBe(true);
    expect(await (await waiting).release()).toBe(false);
    expect(scene.fake.keys()).toEqual([]);
  });

  it.each([
    ['is removed by its holder’s release', '', []],
    ['is left to those who have written data to it since', 'data', [FULL_KEY]],
  ])(
    'by somebody who unlocked it after a handing over, with flags of his own, %s',
    async (_title, value, left) => {
      const holder = await scene.lock().acquire();
      const waiting = scene.lock().acquire({ acquireTimeoutMs: 60_000 });
      await scene.fake.advance(1);
      await holder.release();
      const { sessionId } = await waiting;
      await scene.fake.kv.set({ key: FULL_KEY, value: '', release: sessionId });
      if (value !== '') await scene.fake.kv.set({ key: FULL_KEY, value });
      expect(await scene.entry()).toMatchObject({ Flags: 0, LockIndex: 0 });
      expect(await failureOf(async () => await scene.otherLock().acquire())).toMatchObject({
        code: 'LOCK_CONFLICT',
      });
      expect(await (await waiting).release()).toBe(false);
      expect(scene.fake.keys()).toEqual(left);
      await scene.fake.kv.del(FULL_KEY);
    },
  );

  it('is contention when it is taken between the attempt and the look at it', async () => {
    await scene.leaveBehind(FULL_KEY, 'left');
    const other = await scene.userSession();
    scene.client.on(
      'kv.get',
      once(async (send) => {
        await scene.fake.kv.set({ key: FULL_KEY, value: '', acquire: other });
        return await send();
      }),
    );
    expect(await scene.lock().tryAcquire()).toBeNull();
    expect(await scene.entry()).toMatchObject({ Session: other });
  });

  it('is taken when it is removed between the attempt and the look at it', async () => {
    await scene.leaveBehind(FULL_KEY, 'left');
    scene.client.on(
      'kv.get',
      once(async (send) => {
        await scene.fake.kv.del(FULL_KEY);
        return await send();
      }),
    );
    const handle = await scene.lock().acquire();
    expect(await handle.release()).toBe(true);
  });

  it('is not fought for without end when it is being used again all the time', async () => {
    await scene.leaveBehind(FULL_KEY, 'left');
    scene.client.on('transaction', async (send) => {
      await scene.leaveBehind(FULL_KEY, String(scene.client.sent.length));
      return await send();
    });
    const lock = scene.lock({ retryTimeoutMs: 0 });
    expect(await failureOf(async () => await lock.acquire())).toMatchObject({ code: 'CONSUL_UNAVAILABLE' });
    expect(scene.client.count('transaction')).toBeLessThan(20);
  });

  it('is not taken when it has become data since', async () => {
    await scene.leaveBehind(FULL_KEY, 'left');
    scene.client.on('transaction', async (send, { count }) => {
      if (count === 2) await scene.fake.kv.set({ key: FULL_KEY, value: 'data' });
      return await send();
    });
    expect(await failureOf(async () => await scene.lock().acquire())).toMatchObject({
      code: 'LOCK_CONFLICT',
    });
    expect(await scene.entry()).toMatchObject({ Value: 'data' });
  });

  it('is left alone when another key of the lock is held', async () => {
    await scene.leaveBehind(FULL_A, 'left');
    const holder = await scene.otherLock({}, 'b').acquire();
    expect(await scene.lock({}, ['a', 'b']).tryAcquire()).toBeNull();
    expect(await scene.entry(FULL_A)).toMatchObject({ Value: 'left' });
    await holder.release();
  });
});
