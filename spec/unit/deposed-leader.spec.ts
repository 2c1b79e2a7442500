import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { LockHandle } from '../../lib/index.ts';
import { failureOf } from '../support/failure-of.ts';
import { type Hook, once, type SentRequest } from '../support/hooked-client.ts';
import { base64, FakeScene, FULL_KEY } from '../support/fake-scene.ts';

const TTL_MS = 1_000;

let scene: FakeScene;

beforeEach(() => {
  scene = new FakeScene();
});

afterEach(async () => await scene.end());

/** Whether another session has the key, seen by a contender of another process after each step of time. */
async function twoHolders(handle: LockHandle, forMs: number): Promise<boolean> {
  const waiting = scene.otherLock({ sessionName: 'next' }).acquire({ acquireTimeoutMs: 60_000 });
  let next: LockHandle | undefined;
  void waiting.then((taken) => (next = taken));
  let isSeen = false;
  for (let step = 0; step < forMs / 20; step++) {
    await scene.fake.advance(20);
    isSeen ||= next !== undefined && handle.isHeld;
  }
  await (await waiting).release();
  return isSeen;
}

/** From what it knew: the session is there, and no TTL starts anew where it counts (measured on Consul 1.8.7). */
const renewsInVain: Hook = async (_send, { options }) => [{ ID: options['id'] }];

/** It was made after the old leader was deposed, which has never heard of it. */
const knowsNoSuchSession: Hook = async (_send, { options }) => {
  const body = `Session id '${String(options['id'])}' not found`;
  throw Object.assign(new Error(body), { isResponse: true, response: { statusCode: 404, body } });
};

/** What cannot be done without the others is refused, whether it is a write or a consistent read. */
const isNotTheLeader: Hook = async () => {
  const body = 'node is not the leader';
  throw Object.assign(new Error(body), { isResponse: true, response: { statusCode: 500, body } });
};

describe('a renewal that a deposed leader answers', () => {
  it('lets nobody in while the lock is held, begun at the last moment: Consul keeps a session for twice its TTL', async () => {
    const handle = await scene.lock({ lockTimeoutMs: TTL_MS }).acquire();
    await scene.fake.advance(TTL_MS - 1);
    scene.client.on('session.renew', renewsInVain);
    await handle.renew();
    expect(handle.remainingMs).toBe(TTL_MS);
    expect(await twoHolders(handle, 2 * TTL_MS)).toBe(false);
    expect(await handle.release()).toBe(false);
  });

  it('does not hide that the session has gone', async () => {
    const handle = await scene.lock().acquire();
    scene.client.on('session.renew', renewsInVain);
    scene.fake.invalidateSession(handle.sessionId);
    expect(await failureOf(async () => await handle.renew())).toMatchObject({
      code: 'LOCK_LOST',
      reason: 'session-invalidated',
    });
    await handle.release();
  });

  it('leaves the deadline where it was when the check cannot be made', async () => {
    const handle = await scene.lock({ lockTimeoutMs: TTL_MS, retryTimeoutMs: 0 }).acquire();
    await scene.fake.advance(400);
    scene.client.on('session.renew', renewsInVain);
    scene.client.on('kv.get', isNotTheLeader);
    expect(await failureOf(async () => await handle.renew())).toMatchObject({ code: 'CONSUL_UNAVAILABLE' });
    expect([handle.isHeld, handle.remainingMs]).toEqual([true, 600]);
    scene.client.heal();
    expect(await handle.release()).toBe(true);
  });

  it('leaves the deadline where it was when it says that there is no such session, though there is', async () => {
    const handle = await scene.lock({ lockTimeoutMs: TTL_MS, retryTimeoutMs: 0 }).acquire();
    await scene.fake.advance(400);
    scene.client.on('session.renew', knowsNoSuchSession);
    expect(await failureOf(async () => await handle.renew())).toMatchObject({ code: 'CONSUL_UNAVAILABLE' });
    expect([handle.isHeld, handle.remainingMs]).toEqual([true, 600]);
    scene.client.heal();
    await handle.renew();
    expect(handle.remainingMs).toBe(TTL_MS);
    expect(await handle.release()).toBe(true);
  });

  it('does not bring back the session of a contender whose TTL was over before', async () => {
    const holder = await scene.otherLock({ sessionName: 'holder' }).acquire();
    const waiting = scene.lock({ lockTimeoutMs: TTL_MS }).acquire({ acquireTimeoutMs: 600_000 });
    await scene.client.next('kv.get', ({ options }) => options['index'] !== undefined);
    scene.client.on('session.renew', isNotTheLeader);
    for (let step = 0; step < 110; step++) await scene.fake.advance(10);
    scene.client.on('session.renew', renewsInVain);
    const before = scene.client.count('session.renew');
    for (let step = 0; step < 85 && scene.client.count('session.renew') === before; step++) {
      await scene.fake.advance(10);
    }
    await holder.release();
    const handle = await waiting;
    expect(await twoHolders(handle, 2.5 * TTL_MS)).toBe(false);
    await handle.release();
  });
});

describe('a session whose making was answered when its TTL was over', () => {
  it('is not renewed, but ended and made anew', async () => {
    scene.client.on(
      'session.create',
      once(async (send) => {
        const answer = await send();
        await scene.fake.advance(TTL_MS);
        return answer;
      }),
    );
    scene.client.on('session.renew', renewsInVain);
    const handle = await scene.lock({ lockTimeoutMs: TTL_MS }).acquire();
    expect([scene.client.count('session.create'), scene.client.count('session.renew')]).toEqual([2, 0]);
    expect(scene.fake.sessions().map(({ ID }) => ID)).toEqual([handle.sessionId]);
    expect(await handle.release()).toBe(true);
  });
});

describe('an attempt that a deposed leader refuses', () => {
  it('may have been carried out, and is repeated', async () => {
    scene.client.on(
      'transaction',
      once(async (send, request) => {
        await send();
        return await isNotTheLeader(send, request);
      }),
    );
    const handle = await scene.lock().acquire();
    expect(await scene.entry()).toMatchObject({ ModifyIndex: handle.fencingToken });
    expect(await handle.release()).toBe(true);
  });
});

describe('a transaction of the holder’s', () => {
  const isAskedConsistently = ({ options }: SentRequest): boolean => options['consistent'] === true;

  it.each([
    ['that only reads', [{ KV: { Verb: 'get', Key: FULL_KEY } }]],
    ['that only checks', [{ KV: { Verb: 'check-not-exists', Key: 'other' } }]],
  ])('%s is read consistently, so that no deposed leader answers it', async (_title, operations) => {
    const handle = await scene.lock().acquire();
    await handle.transaction(operations);
    expect(isAskedConsistently(scene.client.sent.at(-1)!)).toBe(true);
    await handle.release();
  });

  it('that writes is proven by its commit', async () => {
    const handle = await scene.lock().acquire();
    await handle.transaction([{ KV: { Verb: 'set', Key: 'other', Value: base64('x') } }]);
    expect(isAskedConsistently(scene.client.sent.at(-1)!)).toBe(false);
    await handle.release();
  });
});
