import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { forceRelease, inspectLock, type LockHandle, listLocks, type LockInfo } from '../../lib/index.ts';
import type { ConsulClient } from '../../lib/consul-client.ts';
import { failureOf } from '../support/failure-of.ts';
import { connectionRefused, connectionReset, denied, deny, once, refuse } from '../support/hooked-client.ts';
import { FakeScene, FULL_KEY } from '../support/fake-scene.ts';

let scene: FakeScene;

beforeEach(() => {
  scene = new FakeScene();
});

afterEach(async () => {
  // Most specs leave holders behind.
  for (const { ID } of scene.fake.sessions()) scene.fake.invalidateSession(ID);
  await scene.end();
});

describe('forceRelease', () => {
  it('frees a key whoever has it, and ends the session', async () => {
    const handle = await scene.otherLock().acquire();
    expect(await forceRelease('key', scene.options)).toBe(true);
    expect([scene.fake.keys(), scene.fake.sessions()]).toEqual([[], []]);
    expect(await handle.verify()).toBe(false);
    expect(handle.signal.reason).toMatchObject({ reason: 'session-invalidated' });
  });

  it('says true and leaves the next holder alone when the answer to its deletion is lost', async () => {
    const handle = await scene.otherLock().acquire();
    let next: LockHandle | null = null;
    scene.client.on(
      'transaction',
      once(async (send) => {
        await send();
        next = await scene.otherLock().tryAcquire();
        throw connectionReset();
      }),
    );
    expect(await forceRelease('key', scene.options)).toBe(true);
    expect(await scene.entry()).toMatchObject({ Session: next!.sessionId });
    expect(await handle.release()).toBe(false);
    expect(scene.fake.sessions().map(({ ID }) => ID)).toEqual([next!.sessionId]);
  });

  it('says true when the answer to its deletion is lost and nobody comes after, and leaves the session to its holder', async () => {
    const handle = await scene.otherLock().acquire();
    scene.fake.loseAnswerOf('transaction');
    expect(await forceRelease('key', scene.options)).toBe(true);
    expect([scene.fake.keys(), scene.fake.sessions().length]).toEqual([[], 1]);
    expect(await handle.release()).toBe(false);
    expect(scene.fake.sessions()).toEqual([]);
  });

  it('says true when the end of the session succeeds at the second try', async () => {
    await scene.otherLock().acquire();
    scene.fake.failNext('session.destroy', connectionReset());
    expect(await forceRelease('key', scene.options)).toBe(true);
    expect([scene.fake.keys(), scene.fake.sessions()]).toEqual([[], []]);
  });

  it('says true when it may not end the session', async () => {
    await scene.otherLock().acquire();
    scene.fake.failNext('session.destroy', denied());
    expect(await forceRelease('key', scene.options)).toBe(true);
    expect(scene.fake.keys()).toEqual([]);
  });

  it('says true when it may not look for what else the session holds, and lets it live', async () => {
    await scene.otherLock().acquire();
    scene.client.on('kv.get', async (send, { options }) =>
      options['recurse'] === true ? await Promise.reject(denied()) : await send(),
    );
    expect(await forceRelease('key', scene.options)).toBe(true);
    expect([scene.fake.keys(), scene.fake.sessions().length]).toEqual([[], 1]);
  });

  it('ends no session that holds a key anywhere else', async () => {
    const session = await scene.userSession();
    await scene.otherLock({ session }).acquire();
    const other = await scene.otherLock({ session, lockKeyPattern: 'service/%s' }, 'leader').acquire();
    expect(await forceRelease('key', scene.options)).toBe(true);
    expect(await other.verify()).toBe(true);
    expect(scene.fake.keys()).toEqual(['service/leader']);
  });

  it('frees a lock that was left behind unlocked', async () => {
    await (await scene.otherLock({ behavior: 'release' }).acquire()).release();
    expect(scene.fake.keys()).toEqual([FULL_KEY]);
    expect(await forceRelease('key', scene.options)).toBe(true);
    expect(scene.fake.keys()).toEqual([]);
  });

  it('says false where there is nothing, and for data that never was a lock, which it leaves alone', async () => {
    expect(await forceRelease('key', scene.options)).toBe(false);
    await scene.fake.kv.set({ key: FULL_KEY, value: 'data' });
    expect(await forceRelease('key', scene.options)).toBe(false);
    expect(await scene.entry()).toMatchObject({ Value: 'data', LockIndex: 0 });
  });

  it.each([1_796_000_000, 1_796_000_000_000, 2 ** 53 - 1])(
    'says false for data with large flags, as %d, which it leaves alone',
    async (flags) => {
      await scene.fake.kv.set({ key: FULL_KEY, value: 'data', flags });
      expect(await forceRelease('key', scene.options)).toBe(false);
      expect(await scene.entry()).toMatchObject({ Value: 'data' });
      await scene.fake.kv.del(FULL_KEY);
    },
  );

  it('frees the key with ifSession only while that session holds it', async () => {
    const handle = await scene.otherLock().acquire();
    const ifSession = '11111111-2222-3333-4444-555555555555';
    expect(await forceRelease('key', { ...scene.options, ifSession })).toBe(false);
    expect(await handle.verify()).toBe(true);
    expect(await forceRelease('key', { ...scene.options, ifSession: handle.sessionId })).toBe(true);
  });

  it('leaves a next holder alone with ifSession when the key changed hands under its hands', async () => {
    const handle = await scene.otherLock().acquire();
    scene.client.on(
      'transaction',
      once(async (send) => {
        await handle.release();
        await scene.otherLock({ sessionName: 'next' }).acquire();
        return await send();
      }),
    );
    expect(await forceRelease('key', { ...scene.options, ifSession: handle.sessionId })).toBe(true);
    expect(await scene.entry()).toMatchObject({ Session: expect.any(String) });
  });

  it('leaves a session alone whose holder has given the lock back itself, for the next lock may be on its way', async () => {
    const handle = await scene.lock().acquire();
    scene.client.on(
      'transaction',
      once(async (send) => {
        expect(await handle.release()).toBe(true);
        return await send();
      }),
    );
    let taking: Promise<LockHandle> | undefined;
    scene.client.on(
      'session.destroy',
      once(async (send) => {
        await (taking = scene.lock({}, 'other').acquire());
        return await send();
      }),
    );
    expect(await forceRelease('key', scene.options)).toBe(true);
    const next = await (taking ?? scene.lock({}, 'other').acquire());
    expect(next.sessionId).toBe(handle.sessionId);
    expect(await next.release()).toBe(true);
  });

  it('leaves a next holder alone whose key has got the same index, as after a snapshot was restored', async () => {
    const handle = await scene.otherLock().acquire();
    const former = '11111111-2222-3333-4444-555555555555';
    scene.client.on(
      'kv.get',
      once(async (send) => {
        const [response, entry] = (await send()) as [object, object];
        return [response, { ...entry, Session: former }];
      }),
    );
    expect(await forceRelease('key', scene.options)).toBe(true);
    expect(await handle.verify()).toBe(true);
  });

  it('frees a key with ifFencingToken only while it is as it was', async () => {
    await (await scene.otherLock({ behavior: 'release' }).acquire()).release();
    const { fencingToken: ifFencingToken } = (await inspectLock('key', scene.options))!;
    const given = { ...scene.options, ifFencingToken };
    expect(await forceRelease('key', { ...given, ifFencingToken: ifFencingToken + 1 })).toBe(false);
    scene.client.on(
      'transaction',
      once(async (send) => {
        await scene.otherLock({ behavior: 'release' }).acquire();
        return await send();
      }),
    );
    expect(await forceRelease('key', given)).toBe(false);
    expect(await scene.entry()).toMatchObject({ Session: expect.any(String) });
  });

  it.each([0, -1, 1.5, NaN, '7', null])(
    'refuses %p as ifFencingToken, before any request',
    async (ifFencingToken) => {
      const options = { ...scene.options, ifFencingToken: ifFencingToken as number };
      const error = await failureOf(async () => await forceRelease('key', options));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toMatch(/^ifFencingToken: must be a fencing token/);
      expect(scene.client.sent).toEqual([]);
    },
  );

  it('leaves a session of another program to its TTL when it asks with a token, which may not see all', async () => {
    const session = await scene.userSession();
    await scene.otherLock({ session }).acquire();
    expect(await forceRelease('key', { ...scene.options, token: 'narrow' })).toBe(true);
    expect(scene.fake.keys()).toEqual([]);
    expect(scene.fake.sessions().map(({ ID }) => ID)).toContain(session);
  });

  it('ends a session of this library also when it asks with a token', async () => {
    await scene.otherLock().acquire();
    expect(await forceRelease('key', { ...scene.options, token: 'narrow' })).toBe(true);
    expect(scene.fake.sessions()).toEqual([]);
  });

  it('frees a key that is rewritten once under its hands', async () => {
    await scene.otherLock().acquire();
    scene.client.on(
      'transaction',
      once(async (send) => {
        await scene.fake.kv.set({ key: FULL_KEY, value: 'rewritten' });
        return await send();
      }),
    );
    expect(await forceRelease('key', scene.options)).toBe(true);
    expect(scene.fake.keys()).toEqual([]);
  });

  it('rejects when the key is being rewritten all the time', async () => {
    const handle = await scene.otherLock().acquire();
    let writes = 0;
    scene.client.on('transaction', async (send) => {
      await scene.fake.kv.set({ key: FULL_KEY, value: String(++writes) });
      return await send();
    });
    expect(await failureOf(async () => await forceRelease('key', scene.options))).toMatchObject({
      code: 'CONSUL_UNAVAILABLE',
      operation: 'transaction',
      message: expect.stringContaining('is being rewritten all the time'),
      keys: ['key'],
    });
    expect(await handle.verify()).toBe(true);
  });

  it.each(['kv.get', 'transaction'] as const)('rejects when %s is denied', async (operation) => {
    await scene.otherLock().acquire();
    scene.client.on(operation, deny);
    expect(await failureOf(async () => await forceRelease('key', scene.options))).toMatchObject({
      code: 'CONSUL_DENIED',
    });
    expect(scene.fake.keys()).toEqual([FULL_KEY]);
  });
});

describe('inspectLock', () => {
  it('tells who has the lock, and null when nobody has', async () => {
    expect(await inspectLock('key', scene.options)).toBeNull();
    const handle = await scene.otherLock({ sessionName: 'a name' }).acquire();
    expect(await inspectLock('key', scene.options)).toMatchObject({
      fullKey: FULL_KEY,
      locked: true,
      sessionId: handle.sessionId,
      fencingToken: handle.fencingToken,
      sessionName: 'a name',
      lockedAt: expect.any(Date),
    } satisfies Partial<Record<keyof LockInfo, unknown>>);
  });

  it.each([
    ['what is no JSON', '{"locked_at"'],
    ['JSON of another form', '"locked_at"'],
    ['JSON without a date', '{"locked_at":"yesterday"}'],
    ['nothing of the kind', 'value'],
  ])('tells no time from a value that holds %s', async (_title, value) => {
    await scene.otherLock({ generateValue: () => value }).acquire();
    const info = await inspectLock('key', scene.options);
    expect(info).toMatchObject({ value });
    expect(info).not.toHaveProperty('lockedAt');
  });

  it('tells of a lock that was left behind that nobody has it', async () => {
    await scene.leaveBehind(FULL_KEY, 'left');
    const info = await inspectLock('key', scene.options);
    expect(info).toMatchObject({ locked: false, value: 'left' });
    expect(info).not.toHaveProperty('sessionId');
  });

  it('tells no TTL of a session that has none, and nothing of one that has gone meanwhile', async () => {
    const session = await scene.userSession('');
    await scene.fake.kv.set({ key: FULL_KEY, value: '', acquire: session });
    expect(await inspectLock('key', scene.options)).not.toHaveProperty('ttlMs');
    scene.client.on('session.info', async (send) => {
      await scene.fake.session.destroy(session);
      return await send();
    });
    expect(await inspectLock('key', scene.options)).toMatchObject({ sessionId: session, value: null });
  });

  it('retries what fails for a passing reason, until retryTimeoutMs is over', async () => {
    scene.fake.failNext('kv.get', connectionRefused());
    expect(await inspectLock('key', scene.options)).toBeNull();
    scene.client.on('kv.get', refuse);
    const failing = failureOf(async () => await inspectLock('key', { ...scene.options, retryTimeoutMs: 10 }));
    expect(await failing).toMatchObject({ code: 'CONSUL_UNAVAILABLE', keys: ['key'] });
  });
});

describe('listLocks', () => {
  it('lists what begins with the prefix in the order of the keys, whoever has it', async () => {
    const held = await scene.otherLock({}, 'jobs/b').acquire();
    await (await scene.otherLock({ behavior: 'release' }, 'jobs/a').acquire()).release();
    await scene.otherLock({}, 'other').acquire();
    const infos = await listLocks('jobs/', scene.options);
    expect(infos.map(({ fullKey, sessionId }) => [fullKey, sessionId])).toEqual([
      ['locks/ephemeral/jobs/a', undefined],
      ['locks/ephemeral/jobs/b', held.sessionId],
    ]);
    expect(await listLocks(undefined, scene.options)).toHaveLength(3);
  });

  it.each(['.', '..', 'jobs/.', 'jobs/..', 'jobs '])('lists what begins with %j', async (prefix) => {
    await scene.otherLock({}, 'jobs/other').acquire();
    await scene.otherLock({}, `${prefix}a`).acquire();
    const infos = await listLocks(prefix, scene.options);
    expect(infos.map(({ fullKey }) => fullKey)).toEqual([`locks/ephemeral/${prefix}a`]);
  });

  it('takes no end of a pattern for a part of the key', async () => {
    await scene.fake.kv.set({ key: 'locks/a/lock', value: '' });
    expect(await listLocks('a/lo', { ...scene.options, lockKeyPattern: 'locks/%s/lock' })).toEqual([]);
  });

  it('lists only what ends as the pattern does', async () => {
    await scene.fake.kv.set({ key: 'locks/a/lock', value: '' });
    await scene.fake.kv.set({ key: 'locks/a/other', value: '' });
    const infos = await listLocks('', { ...scene.options, lockKeyPattern: 'locks/%s/lock' });
    expect(infos.map(({ fullKey }) => fullKey)).toEqual(['locks/a/lock']);
  });

  it('refuses a client that cannot list sessions by name', async () => {
    const { kv, transaction } = scene.fake;
    const session: ConsulClient['session'] = { ...scene.fake.session };
    delete session.list;
    const consulClient = { kv, transaction, session };
    const sentBefore = scene.client.sent.length;
    await expect(listLocks('', { consulClient })).rejects.toThrow(
      new TypeError(
        'consulClient: must have the call session.list, as the consul package has; got Object without it',
      ),
    );
    expect(scene.client.sent).toHaveLength(sentBefore);
  });
});
