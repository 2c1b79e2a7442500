import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type LockHandle, resetDefaults, shutdown } from '../../lib/index.ts';
import { failureOf } from '../support/failure-of.ts';
import { FakeScene, FULL_KEY } from '../support/fake-scene.ts';
import { hang, once, refuse } from '../support/hooked-client.ts';

let scene: FakeScene;

beforeEach(() => {
  scene = new FakeScene();
});

afterEach(async () => await scene.end());

const WAITING = { acquireTimeoutMs: 60_000 };

describe('callers of one process that want the same lock', () => {
  it('are served in the order in which they came', async () => {
    const served: number[] = [];
    await Promise.all(
      Array.from({ length: 20 }, async (_none, number) => {
        await scene.lock().hold(() => served.push(number), WAITING);
      }),
    );
    expect(served).toEqual(Array.from({ length: 20 }, (_none, number) => number));
  });

  it('never hold it two at a time', async () => {
    let holders = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      most = Math.max(most, ++holders);
      await scene.fake.advance(7);
      holders--;
    };
    await Promise.all(Array.from({ length: 30 }, async () => await scene.lock().hold(work, WAITING)));
    expect(most).toBe(1);
  });

  it('have one of them wait in Consul, for a holder of another process', async () => {
    const holder = await scene.otherLock().acquire();
    const waiting = Array.from({ length: 10 }, async () => await scene.lock().acquire(WAITING));
    await scene.client.next('kv.get', ({ options }) => options['index'] !== undefined);
    await scene.fake.advance(200);
    expect(scene.client.count('session.create')).toBe(1);
    expect(scene.client.count('transaction')).toBe(1);
    await holder.release();
    for (const acquiring of waiting) await (await acquiring).release();
  });

  it('wait with a patience of their own', async () => {
    const holder = await scene.otherLock().acquire();
    const first = scene.lock().acquire(WAITING);
    const second = scene.lock().tryAcquire({ acquireTimeoutMs: 300 });
    const third = scene.lock().acquire(WAITING);
    await scene.fake.advance(400);
    expect(await second).toBeNull();
    await holder.release();
    await (await first).release();
    await (await third).release();
  });

  it('lets the next come forward when the first gives up', async () => {
    const holder = await scene.otherLock().acquire();
    const controller = new AbortController();
    const first = scene.lock().acquire({ ...WAITING, signal: controller.signal });
    const cancelled = failureOf(async () => await first);
    const second = scene.lock().acquire(WAITING);
    await scene.client.next('kv.get', ({ options }) => options['index'] !== undefined);
    controller.abort(new Error('cancelled'));
    await cancelled;
    await holder.release();
    await scene.fake.advance(100);
    expect(await (await second).release()).toBe(true);
  });

  it('are all rejected when Consul cannot be reached', async () => {
    scene.client.on(['session.create', 'kv.get', 'transaction'], refuse);
    const options = { acquireTimeoutMs: 200 };
    const failing = Array.from(
      { length: 5 },
      async () => await failureOf(async () => await scene.lock({ retryTimeoutMs: 100 }).acquire(options)),
    );
    for (const failure of failing) expect(await failure).toMatchObject({ code: 'CONSUL_UNAVAILABLE' });
  });

  it('are all rejected by a shutdown, first and others', async () => {
    const holder = await scene.otherLock().acquire();
    const waiting = Array.from(
      { length: 3 },
      async () => await failureOf(async () => await scene.lock().acquire(WAITING)),
    );
    await scene.client.next('kv.get');
    await shutdown();
    for (const failure of waiting) expect(await failure).toMatchObject({ code: 'LOCK_SHUTDOWN' });
    resetDefaults();
    await holder.release();
  });

  it('settle while their requests hang', async () => {
    const holder = await scene.otherLock().acquire();
    scene.client.on('kv.get', hang);
    const lock = scene.lock({ requestTimeoutMs: 100, retryTimeoutMs: 0 });
    const waiting = Array.from(
      { length: 3 },
      async () => await failureOf(async () => await lock.acquire({ acquireTimeoutMs: 200 })),
    );
    for (const failure of waiting) expect(await failure).toMatchObject({ code: 'CONSUL_UNAVAILABLE' });
    await holder.release();
  });
});

describe('callers that wait for more locks than there are connections for waiting', () => {
  it('look now and then, and all have their turn', async () => {
    const keys = Array.from({ length: 40 }, (_none, number) => `key ${number}`);
    const holders = await Promise.all(keys.map(async (key) => await scene.otherLock({}, key).acquire()));
    const waiting = keys.map(async (key) => await scene.lock({}, key).acquire(WAITING));
    await scene.fake.advance(100);
    const blocking = scene.client.sent.filter(({ options }) => options['index'] !== undefined);
    expect(blocking.length).toBeLessThanOrEqual(32);
    await Promise.all(holders.map(async (holder) => await holder.release()));
    for (let i = 0; i < 10; i++) await scene.fake.advance(200);
    for (const acquiring of waiting) expect(await (await acquiring).release()).toBe(true);
  });
});

describe('a holder of this process', () => {
  let holder: LockHandle;

  beforeEach(async () => {
    holder = await scene.lock().acquire();
  });

  it('spares a try without patience the write of an attempt', async () => {
    const [sent, made] = [scene.client.count('transaction'), scene.client.count('session.create')];
    expect(await scene.lock().tryAcquire()).toBeNull();
    expect(scene.client.count('transaction')).toBe(sent);
    expect(scene.client.count('session.create')).toBe(made);
    await holder.release();
  });

  it('that lost its session without noticing does not keep others out', async () => {
    scene.fake.invalidateSession(holder.sessionId);
    const next = await scene.lock().acquire();
    expect([holder.isHeld, next.isHeld]).toEqual([false, true]);
    expect(await holder.release()).toBe(false);
    await next.release();
  });

  it('that lost its session is found out by the first that waits, and is told', async () => {
    const waiting = scene.lock().acquire(WAITING);
    const second = scene.lock().acquire(WAITING);
    scene.fake.invalidateSession(holder.sessionId);
    await scene.fake.advance(60);
    const handle = await waiting;
    expect([holder.isHeld, handle.isHeld]).toEqual([false, true]);
    expect(holder.signal.reason).toMatchObject({ code: 'LOCK_LOST', reason: 'session-invalidated' });
    await handle.release();
    await (await second).release();
    await holder.release();
  });

  it.each([
    ['says that it is', async (send: () => Promise<unknown>): Promise<unknown> => await send()],
    ['does not say', refuse],
  ])('keeps its lock when a server that lags says it is free, and Consul %s not', async (_title, proof) => {
    const wrong = once(async () => undefined);
    const proving = once(proof);
    scene.client.on('kv.get', async (send, request) => {
      if (request.options['index'] !== undefined) return await wrong(send, request);
      return request.options['consistent'] === true ? await proving(send, request) : await send();
    });
    const waiting = scene.lock().acquire(WAITING);
    await scene.client.next('kv.get', ({ options }) => options['consistent'] === true);
    await scene.fake.advance(100);
    expect([holder.isHeld, await holder.verify()]).toEqual([true, true]);
    expect(await holder.release()).toBe(true);
    await scene.fake.advance(100);
    const handle = await waiting;
    expect([handle.isHeld, await handle.release()]).toEqual([true, true]);
  });

  it('whose key was deleted is told by one that takes it', async () => {
    const waiting = scene.lock().acquire(WAITING);
    await scene.client.next('kv.get', ({ options }) => options['index'] !== undefined);
    await scene.fake.kv.del(FULL_KEY);
    const handle = await waiting;
    expect([holder.isHeld, handle.isHeld]).toEqual([false, true]);
    expect(holder.signal.reason).toMatchObject({ reason: 'key-deleted' });
    await handle.release();
    await holder.release();
  });

  it('keeps its lock while another waits for long', async () => {
    const waiting = scene.lock().acquire(WAITING);
    for (let i = 0; i < 10; i++) await scene.fake.advance(1_000);
    expect(holder.isHeld).toBe(true);
    await holder.release();
    expect((await waiting).sessionId).toBe(holder.sessionId);
    await (await waiting).release();
  });
});

describe('a process that is back at once', () => {
  it.each([
    // Before that, anybody could have had it.
    [0, 'transaction'],
    [100, 'transaction'],
    [300, 'kv.get'],
    [5_000, 'kv.get'],
  ])(
    'after it has had the lock for %d ms begins with %s: it looks whether others have come forward, unless they could before',
    async (heldMs, operation) => {
      const now = jest.spyOn(performance, 'now').mockReturnValue(10_000);
      const handle = await scene.lock().acquire(WAITING);
      now.mockReturnValue(10_000 + heldMs);
      await handle.release();
      const before = scene.client.sent.length;
      await (await scene.lock().acquire(WAITING)).release();
      const [first] = scene.client.sent.slice(before);
      expect(first?.operation).toBe(operation);
    },
  );

  it('looks for others once a second while nobody else writes, and soon after somebody has tried in vain', async () => {
    const now = jest.spyOn(performance, 'now');
    const beginsWith = async (
      at: number,
      meanwhile?: () => Promise<unknown>,
    ): Promise<string | undefined> => {
      now.mockReturnValue(at);
      const before = scene.client.sent.length;
      const handle = await scene.lock().acquire(WAITING);
      await meanwhile?.();
      await handle.release();
      return scene.client.sent[before]?.operation;
    };
    for (const at of [10_000, 10_150]) await beginsWith(at);
    // What was written before the first lock, nobody knows.
    expect(await beginsWith(10_300)).toBe('kv.get');
    const inSilence = [10_450, 10_600, 10_750, 10_900, 11_050, 11_200, 11_299];
    for (const at of inSilence) expect(await beginsWith(at)).toBe('transaction');
    expect(await beginsWith(11_300)).toBe('kv.get');

    await beginsWith(11_450, async () => await scene.otherLock().tryAcquire());
    expect(await beginsWith(11_499)).toBe('transaction');
    expect(await beginsWith(11_500)).toBe('kv.get');

    const waiting: Promise<LockHandle>[] = [];
    await beginsWith(11_600, async () => {
      waiting.push(scene.lock().acquire(WAITING));
      await scene.fake.advance(1);
    });
    const [handedOver] = await Promise.all(waiting);
    await handedOver?.release();
    for (const at of [11_700, 11_800]) expect(await beginsWith(at)).toBe('transaction');
  });
});
