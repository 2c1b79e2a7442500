import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { failureOf } from '../support/failure-of.ts';
import { connectionReset, cutAnswer, type Hook, once, refuse } from '../support/hooked-client.ts';
import { FakeScene, FULL_KEY, LogBook } from '../support/fake-scene.ts';

let scene: FakeScene;

beforeEach(() => {
  scene = new FakeScene();
});

afterEach(async () => await scene.end());

const FULL_A = 'locks/ephemeral/a';
const FULL_B = 'locks/ephemeral/b';

describe('an attempt whose answer was lost', () => {
  it('is found to have taken the key by its repetition', async () => {
    scene.client.on('transaction', once(cutAnswer));
    const handle = await scene.lock().acquire();
    expect(await scene.entry()).toMatchObject({
      Session: handle.sessionId,
      ModifyIndex: handle.fencingToken,
    });
    expect(await handle.release()).toBe(true);
  });

  it('and of whose keys one was removed since is made anew with another session', async () => {
    scene.client.on(
      'transaction',
      once(async (send) => {
        await send();
        await scene.fake.kv.del(FULL_A);
        throw connectionReset();
      }),
    );
    const handle = await scene.lock({}, ['a', 'b']).acquire();
    for (const fullKey of [FULL_A, FULL_B]) {
      expect(await scene.entry(fullKey)).toMatchObject({ Session: handle.sessionId });
    }
    expect(scene.client.count('session.create')).toBe(2);
    expect(await handle.release()).toBe(true);
  });

  it('and of whose keys one was removed since is made anew with the user’s session', async () => {
    const session = await scene.userSession();
    scene.client.on(
      'transaction',
      once(async (send) => {
        await send();
        await scene.fake.kv.del(FULL_A);
        throw connectionReset();
      }),
    );
    const handle = await scene.lock({ session }, ['a', 'b']).acquire();
    expect(await handle.verify()).toBe(true);
    expect(await handle.release()).toBe(true);
  });

  it('and of whose keys one was removed and left behind by another since is made anew', async () => {
    scene.client.on(
      'transaction',
      once(async (send) => {
        await send();
        await scene.fake.kv.del(FULL_A);
        await scene.leaveBehind(FULL_A, 'left');
        throw connectionReset();
      }),
    );
    const handle = await scene.lock({}, ['a', 'b']).acquire();
    expect(await handle.verify()).toBe(true);
    expect(await handle.release()).toBe(true);
  });

  it('and of whose keys one was taken by another since gives the rest back', async () => {
    const other = await scene.userSession();
    scene.client.on(
      'transaction',
      once(async (send) => {
        await send();
        await scene.fake.kv.del(FULL_A);
        await scene.fake.kv.set({ key: FULL_A, value: '', acquire: other });
        throw connectionReset();
      }),
    );
    expect(await scene.lock({}, ['a', 'b']).tryAcquire()).toBeNull();
    expect(scene.fake.keys()).toEqual([FULL_A]);
  });

  it('and whose key was written over since is made anew with another session', async () => {
    scene.client.on(
      'transaction',
      once(async (send) => {
        await send();
        await scene.fake.kv.set({ key: FULL_KEY, value: 'by an outsider' });
        throw connectionReset();
      }),
    );
    const handle = await scene.lock().acquire();
    expect(await scene.entry()).toMatchObject({ Session: handle.sessionId });
    expect(scene.client.count('session.create')).toBe(2);
    expect(await handle.release()).toBe(true);
  });

  it.each([
    ['taken', async () => {}],
    ['written over', async () => await scene.fake.kv.set({ key: FULL_B, value: 'by an outsider' })],
  ])('keeps nothing of what was %s while it waits for the rest', async (_title, change) => {
    const other = await scene.userSession();
    scene.client.on(
      'transaction',
      once(async (send) => {
        await send();
        await scene.fake.kv.del(FULL_A);
        await scene.fake.kv.set({ key: FULL_A, value: '', acquire: other });
        await change();
        throw connectionReset();
      }),
    );
    const waiting = scene.lock({}, ['a', 'b']).acquire({ acquireTimeoutMs: 60_000 });
    await scene.client.next('kv.get', ({ options }) => options['index'] !== undefined);
    expect(scene.fake.keys()).toEqual([FULL_A]);
    await scene.fake.session.destroy(other);
    expect(await (await waiting).release()).toBe(true);
  });

  it('leaves neither key nor session nor lock delay behind when there is no time to repeat it', async () => {
    scene.client.on('transaction', once(cutAnswer));
    const lock = scene.lock({ retryTimeoutMs: 0, lockDelayMs: 10_000 });
    expect(await failureOf(async () => await lock.acquire())).toMatchObject({ code: 'CONSUL_UNAVAILABLE' });
    expect([scene.fake.keys(), scene.fake.sessions()]).toEqual([[], []]);
    const next = await scene.otherLock().tryAcquire();
    expect(await next?.release()).toBe(true);
  });

  it('is ended in the background when Consul cannot be told at once', async () => {
    const book = new LogBook();
    scene.client.on('transaction', cutAnswer);
    scene.client.on('session.destroy', once(refuse));
    const lock = scene.lock({ retryTimeoutMs: 0, logger: book.logger });
    expect(await failureOf(async () => await lock.acquire())).toMatchObject({ code: 'CONSUL_UNAVAILABLE' });
    await scene.aftermath();
    expect([scene.fake.keys(), scene.fake.sessions()]).toEqual([[], []]);
    expect(book.of('warn')).toEqual(['could not end a session']);
  });
});

describe('an attempt that is answered when its TTL is over', () => {
  const late = (ms: number): Hook =>
    once(async (send) => {
      const answer = await send();
      await scene.fake.advance(ms);
      return answer;
    });

  it('is made again with another session', async () => {
    scene.client.on('transaction', late(1_000));
    const handle = await scene.lock({ lockTimeoutMs: 1_000, retryTimeoutMs: 60_000 }).acquire();
    expect(handle.remainingMs).toBe(1_000);
    expect(scene.client.count('session.create')).toBe(2);
    expect(await handle.release()).toBe(true);
  });

  it('is made again with the user’s session', async () => {
    const session = await scene.userSession();
    scene.client.on('transaction', late(1_000));
    const handle = await scene.lock({ session, lockTimeoutMs: 1_000, retryTimeoutMs: 60_000 }).acquire();
    expect(handle.remainingMs).toBe(1_000);
    expect(await handle.release()).toBe(true);
  });

  it('rejects with CONSUL_UNAVAILABLE when there is no time to make it again', async () => {
    scene.client.on('transaction', late(1_000));
    const lock = scene.lock({ lockTimeoutMs: 1_000, retryTimeoutMs: 0, requestTimeoutMs: 60_000 });
    expect(await failureOf(async () => await lock.acquire())).toMatchObject({
      code: 'CONSUL_UNAVAILABLE',
      message: expect.stringContaining("its answer came after the lock's 1000 ms were over"),
    });
    expect([scene.fake.keys(), scene.fake.sessions()]).toEqual([[], []]);
  });
});

describe('an attempt whose session is gone', () => {
  it('is made again with another one', async () => {
    scene.client.on(
      'transaction',
      once(async (send) => {
        for (const { ID } of scene.fake.sessions()) scene.fake.invalidateSession(ID);
        return await send();
      }),
    );
    const handle = await scene.lock().acquire();
    expect(scene.fake.sessions().map(({ ID }) => ID)).toEqual([handle.sessionId]);
    expect(await handle.release()).toBe(true);
  });

  it('is made again when it took the key just before', async () => {
    const holder = await scene.otherLock({ sessionName: 'holder' }).acquire();
    const acquiring = scene.lock({ sessionName: 'waiter' }).acquire({ acquireTimeoutMs: 60_000 });
    await scene.client.next('kv.get', ({ options }) => options['index'] !== undefined);
    await scene.fake.advance(300);
    scene.client.on(
      'session.renew',
      once(async (send) => {
        for (const { ID, Name } of scene.fake.sessions()) {
          if (Name === 'waiter') scene.fake.invalidateSession(ID);
        }
        return await send();
      }),
    );
    const renewing = scene.client.next('session.renew');
    await holder.release();
    await renewing;
    await scene.fake.advance(100);
    const handle = await acquiring;
    expect(await handle.verify()).toBe(true);
    expect(await handle.release()).toBe(true);
  });

  it('rejects with CONSUL_UNAVAILABLE when every session is gone at once', async () => {
    scene.client.on('transaction', async (send) => {
      for (const { ID } of scene.fake.sessions()) scene.fake.invalidateSession(ID);
      return await send();
    });
    const lock = scene.lock({ retryTimeoutMs: 0 });
    expect(await failureOf(async () => await lock.acquire())).toMatchObject({
      code: 'CONSUL_UNAVAILABLE',
      message: expect.stringContaining('no definite answer within'),
    });
    expect(scene.client.count('transaction')).toBeLessThan(10);
  });
});
