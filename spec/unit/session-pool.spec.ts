import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { LockOptions } from '../../lib/index.ts';
import { sessionPool } from '../../lib/session-pool.ts';
import { refuse } from '../support/hooked-client.ts';
import { FakeScene } from '../support/fake-scene.ts';

let scene: FakeScene;

beforeEach(() => {
  scene = new FakeScene();
});

afterEach(async () => await scene.end());

async function sessionOf(options: LockOptions = {}, key = 'key'): Promise<string> {
  return await scene.lock(options, key).hold(({ sessionId }) => sessionId);
}

describe('a session that was given back', () => {
  it('serves the next lock, also on another key', async () => {
    const first = await sessionOf();
    expect(await sessionOf({ acquireTimeoutMs: 10 }, 'other')).toBe(first);
  });

  it.each<[string, LockOptions]>([
    ['TTL', { lockTimeoutMs: 20_000 }],
    ['lock delay', { lockDelayMs: 1 }],
    ['name', { sessionName: 'other' }],
    ['behavior', { behavior: 'release' }],
    ['token', { token: 'c0ffee00-5ec7-e700-0000-000000000000' }],
    ['datacenter', { dc: 'dc1' }],
  ])('does not serve a lock with another %s', async (_title, options) => {
    const first = await sessionOf();
    expect(await sessionOf(options, 'other')).not.toBe(first);
  });

  it('does not serve a lock of another client', async () => {
    const first = await sessionOf();
    expect(await scene.otherLock().hold(({ sessionId }) => sessionId)).not.toBe(first);
  });

  it('serves one holder at a time', async () => {
    await sessionOf();
    const [a, b] = [await scene.lock({}, 'a').acquire(), await scene.lock({}, 'b').acquire()];
    expect(a.sessionId).not.toBe(b.sessionId);
    await Promise.all([a.release(), b.release()]);
    const [c, d] = [await scene.lock({}, 'c').acquire(), await scene.lock({}, 'd').acquire()];
    expect([c.sessionId, d.sessionId].toSorted()).toEqual([a.sessionId, b.sessionId].toSorted());
    await Promise.all([c.release(), d.release()]);
  });

  it('is ended at once when it has lived for half its TTL', async () => {
    const handle = await scene.lock({ lockTimeoutMs: 1_000 }).acquire();
    await scene.fake.advance(500);
    expect(await handle.release()).toBe(true);
    await scene.aftermath();
    expect(scene.fake.sessions()).toEqual([]);
  });

  it('is ended at half its TTL when nobody needs it, and at the latest after a second', async () => {
    await sessionOf({ lockTimeoutMs: 1_000 }, 'a');
    await sessionOf({}, 'b');
    expect(scene.fake.sessions()).toHaveLength(2);
    await scene.fake.advance(500);
    expect(scene.fake.sessions()).toHaveLength(1);
    await scene.fake.advance(500);
    expect(scene.fake.sessions()).toEqual([]);
  });

  it('is made anew by the next lock when it has gone meanwhile', async () => {
    const first = await sessionOf();
    scene.fake.invalidateSession(first);
    expect(await sessionOf()).not.toBe(first);
  });

  it('never serves another lock when it is the user’s', async () => {
    const session = await scene.userSession();
    expect(await sessionOf({ session })).toBe(session);
    expect(await sessionOf({}, 'other')).not.toBe(session);
  });
});

describe('drain', () => {
  it('ends every idle session', async () => {
    await sessionOf();
    await sessionOf({ sessionName: 'other' });
    await sessionPool.drain();
    expect(scene.fake.sessions()).toEqual([]);
  });

  it('settles when Consul does not answer, and goes on in the background', async () => {
    await sessionOf();
    scene.client.on('session.destroy', refuse);
    await sessionPool.drain(10);
    expect(scene.fake.sessions()).toHaveLength(1);
    scene.client.heal();
    await scene.aftermath();
    expect(scene.fake.sessions()).toEqual([]);
  });
});
