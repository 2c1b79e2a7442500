import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { EphemeralLock, type LockHandle } from '../../lib/index.ts';
import { FakeConsul } from '../../lib/testing/index.ts';
import { failureOf } from '../support/failure-of.ts';
import { cutAnswer, deny, hang, HookedClient, once, refuse } from '../support/hooked-client.ts';
import { deferred, FakeScene, FULL_KEY } from '../support/fake-scene.ts';

const TTL_MS = 3_000;

let scene: FakeScene;

beforeEach(() => {
  scene = new FakeScene();
});

afterEach(async () => await scene.end());

async function renewed(options = {}): Promise<LockHandle> {
  return await scene.lock({ lockTimeoutMs: TTL_MS, renew: true, ...options }).acquire();
}

async function elapse(ms: number): Promise<void> {
  for (let i = 0; i < ms / 100; i++) await scene.fake.advance(100);
}

describe('a lock that is renewed', () => {
  it('survives a renewal that hangs, with a TTL near requestTimeoutMs', async () => {
    // By the system's clock, for that limits requests.
    const fake = new FakeConsul({ now: Date.now, sessionTtlMinMs: 100 });
    const { session, kv, transaction } = new HookedClient(fake);
    let next: 'usual' | 'hangs' | 'second' = 'usual';
    const second = deferred();
    const renew = async (...args: never[]): Promise<unknown> => {
      if (next === 'hangs') {
        next = 'second';
        return await new Promise<never>(() => {});
      }
      const answer = await session.renew(...args);
      if (next === 'second') second.resolve();
      return answer;
    };
    const consulClient = { session: { ...session, renew }, kv, transaction };
    const times = { lockTimeoutMs: 1_200, requestTimeoutMs: 1_200, minLockTimeoutMs: 100 };
    const handle = await new EphemeralLock('key', { consulClient, renew: true, ...times }).acquire();
    next = 'hangs';
    const { signal } = handle;
    const lost = new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
    await Promise.race([second.promise, lost]);
    expect(handle.isHeld).toBe(true);
    expect(await handle.release()).toBe(true);
  });

  it('survives renewals that fail, as long as one succeeds in time', async () => {
    const handle = await renewed();
    scene.client.on('session.renew', refuse);
    await elapse(TTL_MS - 500);
    expect(handle.isHeld).toBe(true);
    scene.client.heal();
    await elapse(TTL_MS);
    expect(handle.isHeld).toBe(true);
    expect(await handle.release()).toBe(true);
  });

  it('is renewed in time when it was waited for, and the renewal beside its taking failed', async () => {
    const holder = await scene.otherLock().acquire();
    const blocked = async (): Promise<unknown> =>
      await scene.client.next('kv.get', ({ options }) => options['index'] !== undefined);
    const isBlocked = blocked();
    const acquiring = renewed({ acquireTimeoutMs: 60_000 });
    await isBlocked;
    await elapse(900);
    const isBlockedAgain = blocked();
    await holder.transaction([{ KV: { Verb: 'set', Key: FULL_KEY, Value: '' } }]);
    await isBlockedAgain;
    await elapse(1_400);
    scene.client.on('session.renew', once(refuse));
    expect(await holder.release()).toBe(true);
    const handle = await acquiring;
    expect(handle.remainingMs).toBeLessThan(TTL_MS / 3);
    await elapse(TTL_MS);
    expect(handle.isHeld).toBe(true);
    expect(await handle.release()).toBe(true);
  });

  it('survives checks that fail, as long as one succeeds in time', async () => {
    const handle = await renewed();
    scene.client.on('kv.get', refuse);
    await elapse(TTL_MS - 500);
    scene.client.heal();
    await elapse(TTL_MS);
    expect(handle.isHeld).toBe(true);
    expect(await handle.release()).toBe(true);
  });

  it.each([
    ['refused', refuse],
    ['denied', deny],
    ['carried out, and the answers lost', cutAnswer],
  ])('is lost by the clock when every renewal is %s', async (_title, hook) => {
    const handle = await renewed();
    const { signal } = handle;
    scene.client.on('session.renew', hook);
    await elapse(TTL_MS);
    expect([handle.isHeld, signal.reason]).toEqual([false, expect.objectContaining({ reason: 'expired' })]);
    await handle.release();
  });

  it('is renewed no more once it is released', async () => {
    const handle = await renewed();
    await handle.release();
    const before = scene.client.count('session.renew');
    await elapse(2 * TTL_MS);
    expect(scene.client.count('session.renew')).toBe(before);
  });
});

describe('renew', () => {
  it('does not extend a lock whose renewal was answered after its deadline', async () => {
    const handle = await scene.lock({ lockTimeoutMs: TTL_MS }).acquire();
    const arrival = deferred();
    scene.client.on('session.renew', async (send) => {
      const answer = await send();
      await arrival.promise;
      return answer;
    });
    const renewing = failureOf(async () => await handle.renew());
    await scene.fake.advance(TTL_MS);
    arrival.resolve();
    expect(await renewing).toMatchObject({ code: 'LOCK_LOST', reason: 'expired' });
    expect(handle.isHeld).toBe(false);
    await handle.release();
  });

  it('counts from before the renewal was sent, however late it is answered', async () => {
    const handle = await scene.lock({ lockTimeoutMs: TTL_MS }).acquire();
    const arrival = deferred();
    scene.client.on('session.renew', async (send) => {
      await arrival.promise;
      return await send();
    });
    await scene.fake.advance(500);
    const renewing = handle.renew();
    await scene.fake.advance(2_000);
    arrival.resolve();
    await renewing;
    expect(handle.remainingMs).toBe(TTL_MS - 2_000);
    expect(await handle.release()).toBe(true);
  });

  it('shares one renewal among concurrent calls', async () => {
    const handle = await scene.lock().acquire();
    const before = scene.client.count('session.renew');
    await Promise.all([handle.renew(), handle.renew()]);
    expect(scene.client.count('session.renew')).toBe(before + 1);
    await handle.release();
  });

  it('keeps the process alive though it shares a renewal in the background, which does not', async () => {
    const made = jest.spyOn(globalThis, 'setTimeout');
    const handle = await renewed();
    // Those of the library: other timers of the process come and go.
    const timers = (): number =>
      made.mock.results
        .map(({ value }) => value as NodeJS.Timeout & { _destroyed: boolean })
        .filter((timer) => timer.hasRef() && !timer._destroyed).length;
    const before = timers();
    scene.client.on('session.renew', once(hang));
    const sent = scene.client.next('session.renew');
    await scene.fake.advance(TTL_MS / 3);
    await sent;
    expect(timers()).toBe(before);
    const renewing = failureOf(async () => await handle.renew());
    expect(timers()).toBeGreaterThan(before);
    await handle.release();
    expect(await renewing).toMatchObject({ code: 'LOCK_NOT_HELD' });
    expect(timers()).toBe(before);
  });

  it('retries what fails for a passing reason', async () => {
    const handle = await scene.lock().acquire();
    scene.client.on('session.renew', once(refuse));
    await expect(handle.renew()).resolves.toBeUndefined();
    await handle.release();
  });

  it('rejects with what Consul refuses for good, and the lock stays held', async () => {
    const handle = await scene.lock().acquire();
    scene.client.on('session.renew', once(deny));
    expect(await failureOf(async () => await handle.renew())).toMatchObject({ code: 'CONSUL_DENIED' });
    expect(handle.isHeld).toBe(true);
    await handle.release();
  });

  it('rejects with LockNotHeldError when a release ends it', async () => {
    const handle = await scene.lock().acquire();
    scene.client.on('session.renew', hang);
    const sent = scene.client.next('session.renew');
    const renewing = failureOf(async () => await handle.renew());
    await sent;
    expect(await handle.release()).toBe(true);
    expect(await renewing).toMatchObject({ code: 'LOCK_NOT_HELD' });
  });

  it('rejects with LockLostError when the session was ended and the key taken by another', async () => {
    const handle = await scene.lock().acquire();
    await scene.fake.kv.del(FULL_KEY);
    const next = await scene.otherLock({ sessionName: 'next' }).acquire();
    expect(await failureOf(async () => await handle.renew())).toMatchObject({ reason: 'taken' });
    expect(await handle.release()).toBe(false);
    await next.release();
  });
});
