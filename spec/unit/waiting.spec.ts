import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { LockHandle } from '../../lib/index.ts';
import { failureOf } from '../support/failure-of.ts';
import {
  connectionReset,
  deny,
  EVERY_OPERATION,
  hang,
  type Hook,
  once,
  refuse,
  type SentRequest,
} from '../support/hooked-client.ts';
import { base64, deferred, FakeScene, FULL_KEY } from '../support/fake-scene.ts';

let scene: FakeScene;
let holder: LockHandle;

beforeEach(async () => {
  scene = new FakeScene();
  holder = await scene.otherLock({ sessionName: 'holder' }).acquire();
});

afterEach(async () => {
  scene.client.heal();
  await holder.release();
  await scene.end();
});

const isBlocking = ({ options }: SentRequest): boolean => options['index'] !== undefined;

const ignoringWait: Hook = async (_send, { options: { index: _index, wait: _wait, ...rest } }) =>
  await scene.fake.kv.get(rest);

/** A contender that waits in Consul. */
async function waiter(
  options = {},
  acquireTimeoutMs = 60_000,
): Promise<{ acquiring: Promise<LockHandle | null> }> {
  const blocking = scene.client.next('kv.get', isBlocking);
  const acquiring = scene.lock(options).tryAcquire({ acquireTimeoutMs });
  acquiring.catch(() => {});
  await blocking;
  await scene.fake.advance(0);
  return { acquiring };
}

async function taken(acquiring: Promise<LockHandle | null>): Promise<boolean> {
  const handle = await acquiring;
  return (await handle?.release()) === true;
}

describe('a waiting contender', () => {
  it('gets null when the time is over and the key is still held', async () => {
    const { acquiring } = await waiter({}, 1_000);
    await scene.fake.advance(1_100);
    expect(await acquiring).toBeNull();
  });

  it.each([
    ['hangs', hang],
    ['refuses', refuse],
  ])('rejects with CONSUL_UNAVAILABLE, never null, when Consul %s at the end', async (_title, hook) => {
    const { acquiring } = await waiter({ retryTimeoutMs: 0, requestTimeoutMs: 200 }, 1_000);
    scene.client.on(EVERY_OPERATION, hook);
    await scene.fake.advance(1_000);
    expect(await failureOf(async () => await acquiring)).toMatchObject({ code: 'CONSUL_UNAVAILABLE' });
  });

  it('takes the lock though the server that it waits at does not learn of the release', async () => {
    const old: unknown = await scene.fake.kv.get({ key: FULL_KEY });
    scene.client.on('kv.get', async (send, { options }) => (options['stale'] === true ? old : await send()));
    const { acquiring } = await waiter();
    await holder.release();
    for (let i = 0; i < 5; i++) await scene.fake.advance(100);
    expect(await taken(acquiring)).toBe(true);
  });

  it('takes a lock that it finds free only when its time is over', async () => {
    const old: unknown = await scene.fake.kv.get({ key: FULL_KEY });
    const arrival = deferred();
    scene.client.on('kv.get', async (send, { options }) => {
      if (options['stale'] !== true) return await send();
      await arrival.promise;
      return old;
    });
    const { acquiring } = await waiter({}, 1_000);
    await holder.release();
    await scene.fake.advance(1_000);
    arrival.resolve();
    await scene.fake.advance(100);
    expect(await taken(acquiring)).toBe(true);
  });

  it.each([
    ['its own', async () => ({})],
    ['the user’s', async () => ({ session: await scene.userSession() })],
  ])('does not wait for its own attempt, carried out late on %s session', async (_title, options) => {
    const arrival = deferred();
    let carryOut = async (): Promise<unknown> => undefined;
    scene.client.on(
      'transaction',
      once(async (send, request) => {
        carryOut = send;
        return await hang(send, request);
      }),
    );
    scene.client.on('kv.get', async (send, request) => {
      if (isBlocking(request)) await arrival.promise;
      return await send();
    });
    const { acquiring } = await waiter({ ...(await options()), requestTimeoutMs: 200 }, 2_000);
    await holder.release();
    await carryOut();
    arrival.resolve();
    const handle = await acquiring;
    expect(await scene.entry()).toMatchObject({ ModifyIndex: handle?.fencingToken });
    expect(await handle?.release()).toBe(true);
  });

  it('sends no transaction while the holder rewrites its value', async () => {
    const { acquiring } = await waiter();
    const before = scene.client.count('transaction');
    for (let i = 0; i < 20; i++) {
      await holder.transaction([{ KV: { Verb: 'set', Key: FULL_KEY, Value: base64(String(i)) } }]);
      await scene.fake.advance(60);
    }
    expect(scene.client.count('transaction')).toBe(before);
    await holder.release();
    await scene.fake.advance(100);
    expect(await taken(acquiring)).toBe(true);
  });

  it('makes no hot loop of a client whose blocking query does not wait', async () => {
    scene.client.on('kv.get', ignoringWait);
    const { acquiring } = await waiter();
    const before = scene.client.count('kv.get');
    for (let i = 0; i < 20; i++) await scene.fake.advance(50);
    // One look and one blocking query for every 50 ms, and some more for the real time that passes.
    expect(scene.client.count('kv.get') - before).toBeLessThan(120);
    await holder.release();
    await scene.fake.advance(100);
    expect(await taken(acquiring)).toBe(true);
  });

  it('tries again at once when it finds the key free', async () => {
    scene.client.on(
      'kv.get',
      once(async (send) => {
        await holder.release();
        return await send();
      }),
    );
    const acquiring = scene.lock().tryAcquire({ acquireTimeoutMs: 60_000 });
    await scene.client.next('transaction');
    await scene.fake.advance(100);
    expect(await taken(acquiring)).toBe(true);
  });

  it('goes on waiting after a look that failed for a passing reason', async () => {
    scene.client.on('kv.get', once(refuse));
    const { acquiring } = await waiter();
    await holder.release();
    await scene.fake.advance(100);
    expect(await taken(acquiring)).toBe(true);
  });

  it('rejects when it is no longer allowed to look, and leaves nothing behind', async () => {
    scene.client.on('kv.get', deny);
    const acquiring = scene.lock().tryAcquire({ acquireTimeoutMs: 60_000 });
    expect(await failureOf(async () => await acquiring)).toMatchObject({ code: 'CONSUL_DENIED' });
    expect(scene.fake.sessions()).toHaveLength(1);
  });

  it('goes on with another session when its own is gone', async () => {
    const { acquiring } = await waiter({ lockTimeoutMs: 1_000, sessionName: 'waiter' });
    const mine = scene.fake.sessions().find(({ Name }) => Name === 'waiter')?.ID ?? '';
    scene.fake.invalidateSession(mine);
    await scene.fake.advance(1_000);
    await holder.release();
    await scene.fake.advance(100);
    const handle = await acquiring;
    expect(handle?.sessionId).not.toBe(mine);
    expect(await handle?.release()).toBe(true);
  });

  /** A waiter whose session is renewed in vain, and then a release. */
  async function waiterWhoseRenewal(hook: Hook): Promise<Promise<LockHandle | null>[]> {
    const { acquiring } = await waiter({ lockTimeoutMs: 1_000 });
    scene.client.on('session.renew', once(hook));
    const renewing = scene.client.next('session.renew');
    await scene.fake.advance(600);
    await renewing;
    await holder.release();
    await scene.fake.advance(100);
    return [acquiring];
  }

  it('goes on when a renewal of its session fails for a passing reason', async () => {
    const [acquiring] = await waiterWhoseRenewal(refuse);
    expect(await taken(acquiring!)).toBe(true);
  });

  it('rejects when a renewal of its session is denied', async () => {
    const [acquiring] = await waiterWhoseRenewal(deny);
    expect(await failureOf(async () => await acquiring)).toMatchObject({ code: 'CONSUL_DENIED' });
  });

  it('rejects with the reason of its signal while a renewal of its session is under way', async () => {
    const controller = new AbortController();
    const blocking = scene.client.next('kv.get', isBlocking);
    const lock = scene.lock({ lockTimeoutMs: 1_000, requestTimeoutMs: 5_000 });
    const acquiring = lock.acquire({ acquireTimeoutMs: 60_000, signal: controller.signal });
    const rejected = failureOf(async () => await acquiring);
    await blocking;
    scene.client.on('session.renew', hang);
    const renewing = scene.client.next('session.renew');
    await scene.fake.advance(600);
    await renewing;
    const reason = new Error('cancelled');
    controller.abort(reason);
    expect(await rejected).toBe(reason);
  });

  it('finds that an attempt of its own, which it has given up, has taken the key after all', async () => {
    let carryOut = async (): Promise<unknown> => undefined;
    scene.client.on(
      'transaction',
      once(async (send) => {
        carryOut = send;
        throw connectionReset();
      }),
    );
    const change = deferred();
    scene.client.on('kv.get', async (send, request) => {
      if (isBlocking(request)) await change.promise;
      return await ignoringWait(send, request);
    });
    const { acquiring } = await waiter();
    await scene.fake.kv.del(FULL_KEY);
    await carryOut();
    change.resolve();
    const handle = await acquiring;
    expect(await scene.entry()).toMatchObject({
      Session: handle?.sessionId,
      ModifyIndex: handle?.fencingToken,
    });
    expect(await handle?.release()).toBe(true);
  });

  it('waits for a lock delay to end with pauses, and takes the lock then', async () => {
    const delayed = await scene.otherLock({ lockDelayMs: 2_000 }, 'delayed').acquire();
    scene.fake.invalidateSession(delayed.sessionId);
    const acquiring = scene.lock({}, 'delayed').tryAcquire({ acquireTimeoutMs: 60_000 });
    await scene.client.next('transaction');
    for (let i = 0; i < 30; i++) await scene.fake.advance(100);
    expect(await taken(acquiring)).toBe(true);
    expect(scene.client.count('transaction')).toBeLessThan(40);
    await delayed.release();
  });
});
