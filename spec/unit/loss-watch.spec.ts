import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { failureOf } from '../support/failure-of.ts';
import { deny, type Hook, once, refuse, type SentRequest } from '../support/hooked-client.ts';
import { FakeScene, FULL_KEY } from '../support/fake-scene.ts';
import { realProcess } from '../support/real-process.ts';

const SIXTEEN = Array.from({ length: 16 }, (_, i) => `key-${String(i).padStart(2, '0')}`);

let scene: FakeScene;

beforeEach(() => {
  scene = new FakeScene();
});

afterEach(async () => await scene.end());

const isBlocking = ({ options }: SentRequest): boolean => options['index'] !== undefined;

describe('a lock of 16 keys', () => {
  it('makes Node warn of nothing, whatever is done with it', async () => {
    const warnings: string[] = [];
    const listener = ({ name, message }: Error): void => {
      // Node also tells what it thinks of the way in which these specs are run.
      if (name !== 'ExperimentalWarning') warnings.push(message);
    };
    const seen = realProcess();
    seen.on('warning', listener);
    try {
      const lock = scene.lock({ behavior: 'release', renew: true }, SIXTEEN);
      await (await lock.acquire()).release();
      const handle = await lock.acquire();
      expect(handle.signal.aborted).toBe(false);
      await Promise.all(SIXTEEN.map(async () => [await handle.verify(), await handle.renew()]));
      await scene.fake.advance(0);
      await handle.release();
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      seen.off('warning', listener);
    }
    expect(warnings).toEqual([]);
  });

  it('reads each key once for each look at it, when its signal is read', async () => {
    const handle = await scene.lock({}, SIXTEEN).acquire();
    const before = scene.client.count('kv.get');
    expect(handle.signal.aborted).toBe(false);
    await scene.fake.advance(0);
    const reads = scene.client.sent.filter(({ operation }) => operation === 'kv.get').slice(before);
    const readsOf = (fullKey: string): object[] => reads.filter(({ options }) => options['key'] === fullKey);
    // Two looks, and after each what wakes it up: first a reading of the index, then a blocking query.
    expect(handle.fullKeys.map((fullKey) => readsOf(fullKey).length)).toEqual(SIXTEEN.map(() => 4));
    await handle.release();
  });
});

describe('the watching that signal begins', () => {
  it('makes no hot loop of a client whose blocking query does not wait', async () => {
    const ignoringWait: Hook = async (_send, { options: { index: _index, wait: _wait, ...rest } }) =>
      await scene.fake.kv.get(rest);
    scene.client.on('kv.get', ignoringWait);
    const handle = await scene.lock().acquire();
    expect(handle.signal.aborted).toBe(false);
    await scene.fake.advance(0);
    for (let i = 0; i < 20; i++) await scene.fake.advance(50);
    expect(scene.client.count('kv.get')).toBeLessThan(60);
    await handle.release();
  });

  it('takes a request that fails for neither loss nor health, and goes on', async () => {
    const handle = await scene.lock().acquire();
    scene.client.on('kv.get', refuse);
    const { signal } = handle;
    for (let i = 0; i < 10; i++) await scene.fake.advance(1_000);
    expect([signal.aborted, handle.isHeld]).toEqual([false, true]);
    scene.client.heal();
    await scene.fake.kv.del(FULL_KEY);
    await scene.fake.advance(1_000);
    expect(signal.reason).toMatchObject({ reason: 'key-deleted' });
    expect(await handle.release()).toBe(false);
  });

  it('does not believe a server that lags and does not know the key yet', async () => {
    const handle = await scene.lock().acquire();
    scene.client.on('kv.get', async (send, { options }) =>
      options['stale'] === true ? undefined : await send(),
    );
    const { signal } = handle;
    for (let i = 0; i < 10; i++) await scene.fake.advance(100);
    expect(signal.aborted).toBe(false);
    expect(scene.client.count('kv.get')).toBeLessThan(60);
    expect(await handle.release()).toBe(true);
  });

  it('keeps quiet while nothing happens', async () => {
    const handle = await scene.lock().acquire();
    expect(handle.signal.aborted).toBe(false);
    await scene.fake.advance(60_000);
    // A look and a blocking query every five seconds.
    expect(scene.client.count('kv.get')).toBeLessThan(40);
    await handle.release();
  });

  it('ends with the release', async () => {
    const handle = await scene.lock().acquire();
    const blocking = scene.client.next('kv.get', isBlocking);
    expect(handle.signal.aborted).toBe(false);
    await blocking;
    expect(await handle.release()).toBe(true);
    const before = scene.client.count('kv.get');
    await scene.fake.advance(30_000);
    expect(scene.client.count('kv.get')).toBe(before);
  });

  it('ends with a release in a pause after failures', async () => {
    const handle = await scene.lock().acquire();
    scene.client.on('kv.get', refuse);
    expect(handle.signal.aborted).toBe(false);
    await scene.fake.advance(10);
    expect(await handle.release()).toBe(true);
    const before = scene.client.count('kv.get');
    await scene.fake.advance(30_000);
    expect(scene.client.count('kv.get')).toBe(before);
  });
});

describe('verify', () => {
  it('retries what fails for a passing reason, and rejects when that goes on', async () => {
    const handle = await scene.lock({ retryTimeoutMs: 200 }).acquire();
    scene.client.on('kv.get', once(refuse));
    expect(await handle.verify()).toBe(true);
    scene.client.on('kv.get', refuse);
    expect(await failureOf(async () => await handle.verify())).toMatchObject({ code: 'CONSUL_UNAVAILABLE' });
    scene.client.on('kv.get', deny);
    expect(await failureOf(async () => await handle.verify())).toMatchObject({ code: 'CONSUL_DENIED' });
    expect(handle.isHeld).toBe(true);
    scene.client.heal();
    await handle.release();
  });

  it('is not certain of a loss when it cannot look at the session', async () => {
    const handle = await scene.lock({ retryTimeoutMs: 0 }).acquire();
    await scene.fake.kv.del(FULL_KEY);
    scene.client.on('session.info', once(refuse));
    expect(await failureOf(async () => await handle.verify())).toMatchObject({ code: 'CONSUL_UNAVAILABLE' });
    expect(await handle.verify()).toBe(false);
    expect(await handle.release()).toBe(false);
  });
});
