import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { lifecycle } from '../../lib/lifecycle.ts';
import { failureOf } from '../support/failure-of.ts';
import {
  connectionRefused,
  connectionReset,
  cutAnswer,
  deny,
  hang,
  once,
  refuse,
  swallow,
} from '../support/hooked-client.ts';
import { base64, FakeScene, FULL_KEY, LogBook } from '../support/fake-scene.ts';

let scene: FakeScene;
let book: LogBook;

beforeEach(() => {
  scene = new FakeScene();
  book = new LogBook();
});

afterEach(async () => await scene.end());

describe('release', () => {
  it.each([
    ['was refused', connectionRefused],
    ['was never answered', connectionReset],
  ])('says true when it is called again after one that %s, and logs no loss', async (_title, failure) => {
    const handle = await scene.lock({ retryTimeoutMs: 0, logger: book.logger }).acquire();
    scene.fake.failNext('transaction', failure());
    expect(await failureOf(async () => await handle.release())).toMatchObject({ code: 'CONSUL_UNAVAILABLE' });
    expect(await handle.release()).toBe(true);
    expect(await handle.release()).toBe(false);
    expect(book.of('warn')).not.toContain('lost a lock');
    expect(scene.fake.keys()).toEqual([]);
  });

  it('frees what its holder locked with the same session', async () => {
    const handle = await scene.lock().acquire();
    const lock = { Verb: 'lock', Key: 'of-the-user', Value: '', Session: handle.sessionId };
    await handle.transaction([{ KV: lock }]);
    expect(await handle.release()).toBe(true);
    expect([scene.fake.keys(), scene.fake.sessions()]).toEqual([[], []]);
  });

  it('says true when it is called again after the tidying has given the key back', async () => {
    const handle = await scene.lock({ retryTimeoutMs: 0, logger: book.logger }).acquire();
    scene.fake.failNext('transaction', connectionRefused());
    await failureOf(async () => await handle.release());
    await lifecycle.settled();
    expect(scene.fake.keys()).toEqual([]);
    expect(await handle.release()).toBe(true);
    expect(book.of('warn')).not.toContain('lost a lock');
  });

  it('says false when it is called again past the deadline', async () => {
    const handle = await scene.lock({ retryTimeoutMs: 0, lockTimeoutMs: 1_000 }).acquire();
    scene.fake.failNext('transaction', connectionRefused());
    expect(await failureOf(async () => await handle.release())).toMatchObject({ code: 'CONSUL_UNAVAILABLE' });
    await scene.fake.advance(1_001);
    expect(await handle.release()).toBe(false);
  });

  it('says false when only a repetition past the deadline reaches Consul, which would still say true', async () => {
    const handle = await scene.lock({ lockTimeoutMs: 1_000 }).acquire();
    const tooLate = async (): Promise<never> => {
      await scene.fake.advance(1_500);
      throw connectionRefused();
    };
    scene.client.on('transaction', once(tooLate));
    expect(await handle.release()).toBe(false);
    expect(scene.fake.keys()).toEqual([]);
  });

  it('that comes through too late is no loss to a hold whose fn was in time', async () => {
    const holding = scene.lock({ lockTimeoutMs: 1_000 }).hold(() => {
      const tooLate = async (): Promise<never> => {
        await scene.fake.advance(1_500);
        throw connectionRefused();
      };
      scene.client.on('transaction', once(tooLate));
      return 'done in time';
    });
    expect(await holding).toBe('done in time');
  });

  it('says false when a try was never answered and the session turns out to be ended by somebody else', async () => {
    const handle = await scene.lock().acquire();
    const meanwhile = async (): Promise<never> => {
      scene.fake.invalidateSession(handle.sessionId);
      throw connectionReset();
    };
    scene.client.on('transaction', once(meanwhile));
    expect(await handle.release()).toBe(false);
  });

  it('says true when its answer was lost and the repetition finds the key gone', async () => {
    const handle = await scene.lock().acquire();
    scene.client.on('transaction', once(cutAnswer));
    expect(await handle.release()).toBe(true);
  });

  it('says true after an answer that was lost though the key has its next holder by then', async () => {
    const handle = await scene.lock().acquire();
    scene.client.on(
      'transaction',
      once(async (send) => {
        await send();
        await scene.otherLock({ sessionName: 'next' }).acquire();
        throw connectionReset();
      }),
    );
    expect(await handle.release()).toBe(true);
    expect(await scene.entry()).toBeDefined();
    await scene.fake.session.destroy((await scene.entry())?.Session ?? '');
  });

  it.each([
    ['was carried out', swallow],
    ['never arrives', hang],
  ])('says true beside a rewriting that %s and is not answered', async (_title, hook) => {
    const handle = await scene.lock({ requestTimeoutMs: 100 }).acquire();
    scene.client.on('transaction', once(hook));
    const rewriting = { KV: { Verb: 'set', Key: FULL_KEY, Value: base64('new') } };
    const writing = failureOf(async () => await handle.transaction([rewriting]));
    await scene.fake.advance(0);
    expect(await handle.release()).toBe(true);
    expect(scene.fake.keys()).toEqual([]);
    expect(await writing).toMatchObject({ code: 'CONSUL_UNAVAILABLE' });
  });

  it('ends the session, so that nothing sent on it can land any more, when anything was not answered', async () => {
    const handle = await scene.lock().acquire();
    scene.client.on('transaction', once(cutAnswer));
    const write = { KV: { Verb: 'set', Key: 'other', Value: base64('x') } };
    await failureOf(async () => await handle.transaction([write]));
    expect(await handle.release()).toBe(true);
    expect(scene.fake.sessions()).toEqual([]);
  });

  it('rejects when it is denied, and a later call tries again', async () => {
    const handle = await scene.lock().acquire();
    scene.client.on('transaction', once(deny));
    expect(await failureOf(async () => await handle.release())).toMatchObject({ code: 'CONSUL_DENIED' });
    expect(handle.isHeld).toBe(false);
    expect(await handle.release()).toBe(true);
  });

  it('rejects within retryTimeoutMs + requestTimeoutMs when Consul never answers', async () => {
    const options = { retryTimeoutMs: 1_000, requestTimeoutMs: 500 };
    const handle = await scene.lock(options).acquire();
    scene.client.on(['transaction', 'kv.get'], hang);
    const sent = scene.client.next('transaction');
    const failing = failureOf(async () => await handle.release());
    await sent;
    await scene.fake.advance(1_500);
    expect(await failing).toMatchObject({
      code: 'CONSUL_UNAVAILABLE',
      message: expect.stringContaining('could not be told within 1500 ms'),
      keys: ['key'],
    });
  });

  it('rejects when the key is being rewritten all the time', async () => {
    const handle = await scene.lock({ retryTimeoutMs: 0 }).acquire();
    let writes = 0;
    scene.client.on('transaction', async (send) => {
      await scene.fake.kv.set({ key: FULL_KEY, value: String(++writes) });
      return await send();
    });
    expect(await failureOf(async () => await handle.release())).toMatchObject({
      code: 'CONSUL_UNAVAILABLE',
      message: expect.stringContaining('the keys are being rewritten all the time'),
    });
    scene.client.heal();
    expect(await handle.release()).toBe(true);
  });

  it('gives back a key whose value was emptied by a plain write, and leaves a lock behind with behavior release', async () => {
    const handle = await scene.lock({ behavior: 'release' }).acquire();
    await scene.fake.kv.set({ key: FULL_KEY, value: '' });
    expect(await handle.release()).toBe(true);
    expect((await scene.entry())?.LockIndex).toBeGreaterThan(0);
  });

  it('never waits for a lock delay, however its session ends', async () => {
    const handle = await scene.lock({ lockDelayMs: 10_000 }).acquire();
    scene.client.on('transaction', once(cutAnswer));
    const write = { KV: { Verb: 'set', Key: 'other', Value: base64('x') } };
    await failureOf(async () => await handle.transaction([write]));
    expect(await handle.release()).toBe(true);
    const next = await scene.otherLock().tryAcquire();
    expect(await next?.release()).toBe(true);
  });
});

describe('the tidying after a failed release', () => {
  it('starts no lock delay', async () => {
    const handle = await scene.lock({ lockDelayMs: 10_000, retryTimeoutMs: 0 }).acquire();
    scene.fake.failNext('transaction', connectionReset());
    expect(await failureOf(async () => await handle.release())).toMatchObject({ code: 'CONSUL_UNAVAILABLE' });
    await lifecycle.settled();
    const next = await scene.otherLock().tryAcquire();
    expect(next).not.toBeNull();
    await next?.release();
  });

  it('goes on in the background when it fails too, and is logged', async () => {
    const handle = await scene.lock({ retryTimeoutMs: 0, logger: book.logger }).acquire();
    scene.client.on('transaction', once(refuse));
    scene.client.on('session.destroy', once(refuse));
    expect(await failureOf(async () => await handle.release())).toMatchObject({ code: 'CONSUL_UNAVAILABLE' });
    await lifecycle.settled();
    expect([scene.fake.keys(), scene.fake.sessions()]).toEqual([[], []]);
    expect(book.of('warn')).toContain('could not end a session');
  });

  it('is given up when Consul says no for good, and is logged twice', async () => {
    const handle = await scene.lock({ retryTimeoutMs: 0, logger: book.logger }).acquire();
    scene.client.on('transaction', refuse);
    scene.client.on('session.destroy', deny);
    await failureOf(async () => await handle.release());
    await lifecycle.settled();
    expect(book.of('warn').filter((message) => message === 'could not end a session')).toHaveLength(2);
    scene.client.heal();
    expect(await handle.release()).toBe(true);
  });
});

describe('the end of await using', () => {
  it('logs a release that failed, and does not reject', async () => {
    const handle = await scene.lock({ retryTimeoutMs: 0, logger: book.logger }).acquire();
    scene.client.on('transaction', once(deny));
    await handle[Symbol.asyncDispose]();
    expect(book.of('warn')).toEqual(['could not release a lock']);
    expect(await handle.release()).toBe(true);
  });
});
