import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EphemeralLock } from '../../lib/index.ts';
import { failureOf } from '../support/failure-of.ts';
import { once, refuse } from '../support/hooked-client.ts';
import { FakeScene, LogBook } from '../support/fake-scene.ts';

let scene: FakeScene;

beforeEach(() => {
  scene = new FakeScene();
});

afterEach(async () => await scene.end());

describe('EphemeralLock', () => {
  it('may be extended by a class with fields', async () => {
    class Named extends EphemeralLock {
      title = 'mine';
    }
    const lock = new Named('key', scene.options);
    expect(lock.title).toBe('mine');
    lock.title = 'changed';
    expect(await lock.hold(({ key }) => key)).toBe('key');
  });

  it.each(['key', 'keys'])('has a %s that cannot be assigned', (name) => {
    const lock = new EphemeralLock(['a', 'b'], scene.options);
    expect(() => Object.assign(lock, { [name]: 'other' })).toThrow(TypeError);
    expect([lock.key, lock.keys]).toEqual(['a', ['a', 'b']]);
  });

  it('has keys that cannot be changed, by nobody', () => {
    const given = ['a', 'b'];
    const lock = new EphemeralLock(given, scene.options);
    given.push('c');
    expect(() => (lock.keys as string[]).push('d')).toThrow(TypeError);
    expect(lock.keys).toEqual(['a', 'b']);
  });
});

describe('hold', () => {
  it('rejects with the loss when fn fulfils after its key was deleted', async () => {
    const holding = scene.lock().hold(async ({ fullKey }) => await scene.fake.kv.del(fullKey));
    expect(await failureOf(async () => await holding)).toMatchObject({
      name: 'LockLostError',
      reason: 'key-deleted',
      keys: ['key'],
    });
  });

  it('resolves to what fn returns when only the giving back failed, and logs that', async () => {
    const book = new LogBook();
    const lock = scene.lock({ logger: book.logger, retryTimeoutMs: 0 });
    const result = await lock.hold(() => {
      scene.client.on('transaction', once(refuse));
      return 'done';
    });
    expect(result).toBe('done');
    expect(book.of('warn')).toEqual(['could not release a lock']);
  });

  it('warns as soon as it begins to wait for a lock that is held further up, once', async () => {
    const book = new LogBook();
    const lock = scene.lock({ logger: book.logger });
    const error = await lock.hold(async () => {
      const inner = failureOf(async () => await lock.hold(() => {}, { acquireTimeoutMs: 1_000 }));
      await scene.client.next('kv.get', ({ options }) => options['index'] !== undefined);
      expect(book.of('warn')).toEqual([expect.stringContaining('most likely it waits for itself')]);
      for (let i = 0; i < 12; i++) await scene.fake.advance(100);
      return await inner;
    });
    expect(error).toMatchObject({ code: 'LOCK_DEADLOCK' });
    expect(book.of('warn')).toHaveLength(1);
  });

  it('does not take a lock of the same name in another datacenter for the one that is held further up', async () => {
    const book = new LogBook();
    // The fake has one datacenter, in which they meet.
    const elsewhere = scene.lock({ dc: 'elsewhere', logger: book.logger });
    const error = await scene
      .lock({ dc: 'here' })
      .hold(async () => await failureOf(async () => await elsewhere.hold(() => {})));
    expect(error).toMatchObject({ code: 'LOCK_NOT_ACQUIRED' });
    expect(book.of('warn')).toEqual([]);
  });
});
