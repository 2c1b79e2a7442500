import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { failureOf } from '../support/failure-of.ts';
import { connectionRefused, cutAnswer, deny, hang, once, refuse } from '../support/hooked-client.ts';
import { base64, FakeScene, FULL_KEY, LogBook } from '../support/fake-scene.ts';

let scene: FakeScene;

beforeEach(() => {
  scene = new FakeScene();
});

afterEach(async () => await scene.end());

describe('the release of a lock that is seldom used', () => {
  it('looks whether it is still ours and ends the session, which is a write less', async () => {
    const handle = await scene.rareLock().acquire();
    const sent = scene.client.sent.length;
    expect(await handle.release()).toBe(true);
    const operations = scene.client.sent.slice(sent).map(({ operation }) => operation);
    expect(operations).toEqual(['kv.get', 'session.destroy']);
    expect([scene.fake.keys(), scene.fake.sessions()]).toEqual([[], []]);
  });

  it('gives back all keys of a lock', async () => {
    const handle = await scene.rareLock({}, ['a', 'b', 'c']).acquire();
    expect(await handle.release()).toBe(true);
    expect([scene.fake.keys(), scene.fake.sessions()]).toEqual([[], []]);
  });

  it('keeps the session for the next from the second on, where they follow one another', async () => {
    const lock = scene.rareLock();
    const sessions: string[] = [];
    for (let round = 0; round < 4; round++) {
      const handle = await lock.acquire();
      sessions.push(handle.sessionId);
      expect(await handle.release()).toBe(true);
    }
    expect(new Set(sessions).size).toBe(2);
    expect([sessions[2], sessions[3]]).toEqual([sessions[1], sessions[1]]);
    await scene.fake.advance(1_000);
  });

  it.each([
    ['with a lock delay, which the end of a session would start', { lockDelayMs: 1_000 }],
    ["with behavior 'release', where a key may have been written to", { behavior: 'release' as const }],
  ])('deletes or unlocks the key %s', async (_title, options) => {
    const handle = await scene.rareLock(options).acquire();
    const sent = scene.client.count('transaction');
    expect(await handle.release()).toBe(true);
    expect(scene.client.count('transaction')).toBe(sent + 1);
  });

  it('never ends a session of the user', async () => {
    const session = await scene.userSession();
    const handle = await scene.rareLock({ session }).acquire();
    expect(await handle.release()).toBe(true);
    expect(scene.fake.sessions().map(({ ID }) => ID)).toEqual([session]);
  });

  it.each([
    ['was deleted', async () => void (await scene.fake.kv.del(FULL_KEY)), 'key-deleted'],
    [
      'was ended',
      async () => scene.fake.invalidateSession(scene.fake.sessions()[0]!.ID),
      'session-invalidated',
    ],
  ])('says false when its key or session %s', async (_title, remove, reason) => {
    const holding = scene.rareLock().hold(remove);
    expect(await failureOf(async () => await holding)).toMatchObject({ code: 'LOCK_LOST', reason });
    expect(scene.fake.sessions()).toEqual([]);
  });

  it("says false when another has it, and leaves that one's key alone", async () => {
    const handle = await scene.rareLock().acquire();
    await scene.fake.kv.del(FULL_KEY);
    const other = await scene.otherLock().acquire();
    expect(await handle.release()).toBe(false);
    expect(await other.verify()).toBe(true);
    await other.release();
  });

  it('says true for a key that the holder or somebody else has rewritten', async () => {
    const handle = await scene.rareLock().acquire();
    await handle.transaction([{ KV: { Verb: 'set', Key: FULL_KEY, Value: base64('mine') } }]);
    await scene.fake.kv.set({ key: FULL_KEY, value: 'of somebody else' });
    expect(await handle.release()).toBe(true);
    expect(scene.fake.keys()).toEqual([]);
  });

  it('says true when the answer to the end of its session is lost, and leaves the next holder alone', async () => {
    const handle = await scene.rareLock().acquire();
    scene.client.on(
      'session.destroy',
      once(async (send) => {
        await send();
        await scene.fake.kv.set({ key: FULL_KEY, value: 'next', acquire: await scene.userSession() });
        throw connectionRefused();
      }),
    );
    expect(await handle.release()).toBe(true);
    expect(scene.fake.keys()).toEqual([FULL_KEY]);
    await scene.fake.kv.del(FULL_KEY);
  });

  it.each([
    ['was refused', refuse],
    ['was never answered', cutAnswer],
  ])(
    'rejects when the end of its session %s, and says true when it is called again',
    async (_title, hook) => {
      const book = new LogBook();
      const handle = await scene.rareLock({ retryTimeoutMs: 0, logger: book.logger }).acquire();
      scene.client.on('session.destroy', hook);
      expect(await failureOf(async () => await handle.release())).toMatchObject({
        code: 'CONSUL_UNAVAILABLE',
      });
      scene.client.heal();
      expect(await handle.release()).toBe(true);
      expect(book.of('warn')).not.toContain('lost a lock');
      await scene.aftermath();
      expect([scene.fake.keys(), scene.fake.sessions()]).toEqual([[], []]);
    },
  );

  it('says false when it is called again past the deadline', async () => {
    const handle = await scene.rareLock({ retryTimeoutMs: 0, lockTimeoutMs: 1_000 }).acquire();
    scene.client.on('session.destroy', once(refuse));
    await failureOf(async () => await handle.release());
    await scene.fake.advance(1_001);
    expect(await handle.release()).toBe(false);
  });

  it('rejects when it is denied, and a later call tries again', async () => {
    const handle = await scene.rareLock().acquire();
    scene.client.on('session.destroy', once(deny));
    expect(await failureOf(async () => await handle.release())).toMatchObject({ code: 'CONSUL_DENIED' });
    expect(await handle.release()).toBe(true);
  });

  it('settles in its time when Consul never answers', async () => {
    const handle = await scene.rareLock({ retryTimeoutMs: 0, requestTimeoutMs: 100 }).acquire();
    scene.client.on(['kv.get', 'session.destroy', 'transaction'], hang);
    expect(await failureOf(async () => await handle.release())).toMatchObject({ code: 'CONSUL_UNAVAILABLE' });
  });

  it('with a write of the holder under way is not done by the end of the session alone', async () => {
    const handle = await scene.rareLock({ requestTimeoutMs: 200 }).acquire();
    scene.client.on('transaction', once(hang));
    const writing = failureOf(async () => await handle.transaction([{ KV: { Verb: 'get', Key: FULL_KEY } }]));
    const sent = scene.client.count('transaction');
    expect(await handle.release()).toBe(true);
    expect(scene.client.count('transaction')).toBe(sent + 1);
    await writing;
  });
});
