import { afterAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { LockOptions } from '../../lib/index.ts';
import { AnswerFaults, type Fault, type PassedRequest, requests } from '../support/answer-faults.ts';
import { consulUnderTest, describeWithOwnServer } from '../support/consul.ts';
import { until } from '../support/consul-server/until.ts';
import { failureOf } from '../support/failure-of.ts';
import { FaultProxy } from '../support/proxy.ts';
import { type Scene, Scenes } from '../support/scene.ts';

jest.setTimeout(30_000);

const { address } = consulUnderTest();

const REQUEST_MS = 300;
const RETRY_MS = 2_000;
const TTL_MS = 5_000;
const LIMITS: LockOptions = {
  requestTimeoutMs: REQUEST_MS,
  retryTimeoutMs: RETRY_MS,
  lockTimeoutMs: TTL_MS,
};

const SLACK_MS = 500;
const UNAVAILABLE = { code: 'CONSUL_UNAVAILABLE', transient: true };

const AMBIGUOUS: [string, Fault][] = [
  ['is lost', 'lost'],
  ['is cut in the middle by FIN', 'cut'],
  ['is a reset', 'reset'],
];

/** The `ModifyIndex` that a transaction was answered with. */
function tokenIn({ answer }: PassedRequest): number {
  const { Results } = JSON.parse(answer ?? '') as { Results: { KV: { ModifyIndex: number } }[] };
  return Math.max(...Results.map(({ KV }) => KV.ModifyIndex));
}

function sessionIn({ answer }: PassedRequest): string {
  return (JSON.parse(answer ?? '') as { ID: string }).ID;
}

/** Scenes, and what stands between each of them and Consul until the end of the file. */
class Stage {
  readonly #scenes = new Scenes();
  readonly #faults: AnswerFaults[] = [];
  readonly #proxies: FaultProxy[] = [];

  async open(): Promise<{ faults: AnswerFaults; scene: Scene }> {
    const faults = await AnswerFaults.start(address);
    this.#faults.push(faults);
    return { faults, scene: this.#scenes.open(address, { via: faults.address }) };
  }

  async openBehindProxy(): Promise<{ proxy: FaultProxy; scene: Scene }> {
    const proxy = await FaultProxy.start(address);
    this.#proxies.push(proxy);
    return { proxy, scene: this.#scenes.open(address, { via: proxy.address }) };
  }

  async end(): Promise<void> {
    for (const fault of [...this.#faults, ...this.#proxies]) fault.heal();
    await this.#scenes.end();
    await Promise.all([...this.#faults, ...this.#proxies].map(async (proxy) => await proxy.stop()));
  }
}

const stage = new Stage();
afterAll(async () => await stage.end());

describeWithOwnServer('answers that do not arrive', () => {
  let faults: AnswerFaults;
  let scene: Scene;

  beforeEach(async () => ({ faults, scene } = await stage.open()));

  describe.each(AMBIGUOUS)('an answer that %s', (_title, fault) => {
    it('to session.create costs a session that is left to its TTL, and no key', async () => {
      faults.fault(requests.create, fault);
      const handle = await scene.lock({ ...LIMITS, lockTimeoutMs: 600 }).acquire();
      const [unanswered, answered, ...more] = faults.ofKind(requests.create);
      expect(more).toEqual([]);
      expect(handle.sessionId).toBe(sessionIn(answered!));
      expect(await handle.release()).toBe(true);
      await until(async () => !(await scene.sessions()).includes(handle.sessionId), { timeoutMs: 3_000 });
      expect([[], [sessionIn(unanswered!)]]).toContainEqual(await scene.sessions());
      expect(await scene.keys()).toEqual([]);
    });

    it('to the attempt is made up for by the same attempt once more, and the token is that of its first landing', async () => {
      faults.fault(requests.take, fault);
      const handle = await scene.lock(LIMITS).acquire();
      const [first, second, ...more] = faults.ofKind(requests.take);
      expect(more).toEqual([]);
      expect(second!.body).toBe(first!.body);
      expect(first!.body).toContain(handle.sessionId);
      expect(handle.fencingToken).toBe(tokenIn(first!));
      expect(faults.ofKind(requests.create)).toHaveLength(1);
      expect(await scene.entry()).toMatchObject({
        Session: handle.sessionId,
        ModifyIndex: handle.fencingToken,
      });
      expect(await handle.verify()).toBe(true);
      expect(await handle.release()).toBe(true);
      expect(await scene.left()).toEqual({ keys: [], sessions: [] });
    });

    it('to an attempt at several keys is made up for as well', async () => {
      faults.fault(requests.take, fault);
      const handle = await scene.lock(LIMITS, ['one', 'two', 'three']).acquire();
      expect(faults.ofKind(requests.take)).toHaveLength(2);
      expect(await scene.keys()).toMatchObject(
        ['one', 'three', 'two'].map((name) => ({
          Key: scene.fullKey(name),
          Session: handle.sessionId,
          ModifyIndex: handle.fencingToken,
        })),
      );
      expect(await handle.release()).toBe(true);
    });

    it('to the only attempt that there is time for leaves nothing behind', async () => {
      faults.fault(requests.take, fault, Infinity);
      const failure = await failureOf(
        async () => await scene.lock({ ...LIMITS, retryTimeoutMs: 0 }).acquire(),
      );
      expect(failure).toMatchObject(UNAVAILABLE);
      const [landed] = faults.ofKind(requests.take);
      expect(landed!.status).toBe(200);
      expect(await scene.left()).toEqual({ keys: [], sessions: [] });
      faults.heal();
      const next = await scene.lock(LIMITS).acquire();
      expect(next.fencingToken).toBeGreaterThan(tokenIn(landed!));
      expect(await next.release()).toBe(true);
    });

    it('to the giving back is made up for: release says true, and the key is free', async () => {
      const handle = await scene.lock(LIMITS).acquire();
      faults.fault(requests.giveBack, fault);
      expect(await handle.release()).toBe(true);
      expect(faults.ofKind(requests.giveBack).map(({ status }) => status)).toEqual([200, 409]);
      expect(await scene.left()).toEqual({ keys: [], sessions: [] });
    });

    it('to the giving back never costs the next holder its lock', async () => {
      const handle = await scene.lock(LIMITS).acquire();
      const waiting = scene
        .lock({ ...LIMITS, requestTimeoutMs: 10_000 })
        .acquire({ acquireTimeoutMs: 10_000 });
      await until(() => faults.ofKind(requests.wait).length > 0, { timeoutMs: 5_000 });
      faults.fault(requests.giveBack, fault);
      const [released, next] = await Promise.all([handle.release(), waiting]);
      expect(released).toBe(true);
      expect(await next.verify()).toBe(true);
      expect(await next.release()).toBe(true);
    });

    it('to session.destroy of a contender that is refused does not keep the session alive', async () => {
      const holder = await scene.lock(LIMITS).acquire();
      faults.fault(requests.destroy, fault);
      const began = performance.now();
      expect(await scene.lock(LIMITS).tryAcquire()).toBeNull();
      expect(performance.now() - began).toBeLessThan(RETRY_MS + 2 * REQUEST_MS + SLACK_MS);
      await until(async () => (await scene.sessions()).length === 1, { timeoutMs: 2_000 });
      expect(await holder.release()).toBe(true);
    });

    it('to a renewal is made up for by another', async () => {
      const handle = await scene.lock(LIMITS).acquire();
      await until(() => handle.remainingMs < TTL_MS - 100, { timeoutMs: 2_000 });
      const before = faults.ofKind(requests.renew).length;
      faults.fault(requests.renew, fault);
      const began = performance.now();
      await handle.renew();
      const tookMs = performance.now() - began;
      expect(faults.ofKind(requests.renew).length - before).toBe(2);
      // Counted from before the renewal that was answered, which was sent after the other had failed.
      expect(handle.remainingMs).toBeGreaterThan(TTL_MS - tookMs);
      expect(handle.remainingMs).toBeLessThanOrEqual(TTL_MS);
      expect(await handle.release()).toBe(true);
    });

    it('to a guarded write is told to its writer, and the write is not sent again', async () => {
      const handle = await scene.lock(LIMITS).acquire();
      const before = faults.ofKind(requests.transaction).length;
      const write = [
        {
          KV: { Verb: 'set', Key: scene.fullKey('data'), Value: Buffer.from('once').toString('base64') },
        },
      ];
      faults.fault(requests.transaction, fault);
      expect(await failureOf(async () => await handle.transaction(write))).toMatchObject(UNAVAILABLE);
      expect(faults.ofKind(requests.transaction).length - before).toBe(1);
      expect(handle.isHeld).toBe(true);
      expect(await scene.entry('data')).toBeDefined();
      await handle.transaction([{ KV: { Verb: 'delete', Key: scene.fullKey('data') } }]);
      expect(await handle.release()).toBe(true);
    });

    it('to a rewriting of the lock’s own value leaves the lock ours, with its new token', async () => {
      const handle = await scene.lock(LIMITS).acquire();
      const before = handle.fencingToken;
      faults.fault(requests.transaction, fault);
      const rewrite = [
        { KV: { Verb: 'set', Key: handle.fullKey, Value: Buffer.from('new').toString('base64') } },
      ];
      expect(await failureOf(async () => await handle.transaction(rewrite))).toMatchObject(UNAVAILABLE);
      expect(await handle.verify()).toBe(true);
      expect(handle.fencingToken).toBeGreaterThan(before);
      expect(handle.fencingToken).toBe((await scene.entry())?.ModifyIndex);
      expect(await handle.release()).toBe(true);
      expect(await scene.keys()).toEqual([]);
    });

    it('to a rewriting of the lock’s own value does not keep it from being released', async () => {
      const handle = await scene.lock(LIMITS).acquire();
      faults.fault(requests.transaction, fault);
      const rewrite = [
        { KV: { Verb: 'set', Key: handle.fullKey, Value: Buffer.from('new').toString('base64') } },
      ];
      await failureOf(async () => await handle.transaction(rewrite));
      expect(await handle.release()).toBe(true);
      expect(await scene.keys()).toEqual([]);
    });

    it('to the waiting for a holder does not lose the waiter its turn', async () => {
      const holder = await scene.lock(LIMITS).acquire();
      faults.fault(requests.wait, fault);
      const waiting = scene.lock({ ...LIMITS, lockTimeoutMs: 1_500 }).acquire({ acquireTimeoutMs: 10_000 });
      await until(() => faults.ofKind(requests.wait).length > 0, { timeoutMs: 5_000 });
      expect(await holder.release()).toBe(true);
      const releasedAt = performance.now();
      const handle = await waiting;
      expect(performance.now() - releasedAt).toBeLessThan(TTL_MS);
      expect(handle.isHeld).toBe(true);
      expect(await handle.release()).toBe(true);
    });
  });

  it('to every attempt end the acquisition in its time, with nothing left behind', async () => {
    faults.fault(requests.take, 'lost', Infinity);
    const began = performance.now();
    const failure = await failureOf(
      async () => await scene.lock({ ...LIMITS, retryTimeoutMs: 800 }).tryAcquire(),
    );
    expect(failure).toMatchObject(UNAVAILABLE);
    expect(performance.now() - began).toBeLessThan(800 + 2 * REQUEST_MS + SLACK_MS);
    const attempts = faults.ofKind(requests.take);
    expect(attempts.length).toBeGreaterThan(1);
    expect(new Set(attempts.map(({ body }) => body)).size).toBe(1);
    expect(await scene.left()).toEqual({ keys: [], sessions: [] });
  });

  it('because the caller no longer wanted the lock leave nothing behind', async () => {
    faults.fault(requests.take, 'lost', Infinity);
    const controller = new AbortController();
    const acquiring = scene.lock(LIMITS).acquire({ signal: controller.signal });
    await until(() => faults.ofKind(requests.take)[0]?.status === 200, { timeoutMs: 5_000 });
    controller.abort(new Error('enough'));
    expect(await failureOf(async () => await acquiring)).toHaveProperty('message', 'enough');
    expect(await scene.left()).toEqual({ keys: [], sessions: [] });
  });

  it('because the caller no longer wanted the session leave nothing behind once they come', async () => {
    faults.fault(requests.create, { lateByMs: 200 });
    const controller = new AbortController();
    const acquiring = scene.lock(LIMITS).acquire({ signal: controller.signal });
    await until(() => faults.ofKind(requests.create)[0]?.status === 200, { timeoutMs: 5_000 });
    controller.abort(new Error('enough'));
    expect(await failureOf(async () => await acquiring)).toHaveProperty('message', 'enough');
    await scene.nothingLeft(1_000);
  });
});

describeWithOwnServer('answers that come late', () => {
  let faults: AnswerFaults;
  let scene: Scene;

  beforeEach(async () => ({ faults, scene } = await stage.open()));

  const patient = { requestTimeoutMs: 5_000, retryTimeoutMs: 0 };

  it('to an attempt, by more than the TTL, are not handed out', async () => {
    faults.fault(requests.take, { lateByMs: 500 });
    const lock = scene.lock({ ...patient, lockTimeoutMs: 300 });
    expect(await failureOf(async () => await lock.acquire())).toMatchObject(UNAVAILABLE);
    expect(faults.ofKind(requests.take)).toMatchObject([{ status: 200 }]);
    await scene.nothingLeft(200);
  });

  it('to an attempt, by more than the TTL, are followed by another with a session of its own', async () => {
    faults.fault(requests.take, { lateByMs: 500 });
    const handle = await scene.lock({ ...patient, lockTimeoutMs: 400, retryTimeoutMs: 2_000 }).acquire();
    const [late, inTime] = faults.ofKind(requests.take);
    expect(handle.fencingToken).toBe(tokenIn(inTime!));
    expect(handle.fencingToken).toBeGreaterThan(tokenIn(late!));
    expect(faults.ofKind(requests.create)).toHaveLength(2);
    expect(handle.isHeld).toBe(true);
    expect(await handle.release()).toBe(true);
  });

  it.each([
    ['Consul still has', 400, 300],
    ['is gone by now', 900, 300],
  ])(
    'to session.create, by more than the TTL, for a session that %s, are followed by another',
    async (_title, lateByMs, lockTimeoutMs) => {
      faults.fault(requests.create, { lateByMs });
      const handle = await scene.lock({ ...patient, lockTimeoutMs, retryTimeoutMs: 2_000 }).acquire();
      expect(faults.ofKind(requests.create)).toHaveLength(2);
      expect(await handle.verify()).toBe(true);
      expect(handle.remainingMs).toBeGreaterThan(0);
      expect(handle.remainingMs).toBeLessThanOrEqual(lockTimeoutMs);
      expect(await handle.release()).toBe(true);
      expect(await scene.sessions()).toEqual([handle.sessionId]);
    },
  );

  it('to a renewal, by more than was left, do not bring the lock back', async () => {
    // A renewal is waited for only for a part of the TTL, and this one begins shortly before the deadline.
    const handle = await scene.lock({ ...patient, lockTimeoutMs: 2_400 }).acquire();
    await until(() => handle.remainingMs < 200, { timeoutMs: 5_000, intervalMs: 5 });
    faults.fault(requests.renew, { lateByMs: 300 });
    expect(await failureOf(async () => await handle.renew())).toMatchObject({
      code: 'LOCK_LOST',
      reason: 'expired',
    });
    await until(() => faults.ofKind(requests.renew).at(-1)?.status === 200, { timeoutMs: 2_000 });
    expect(handle.isHeld).toBe(false);
    expect(await scene.entry()).toMatchObject({ Session: handle.sessionId });
    expect(await handle.release()).toBe(false);
    expect(await scene.keys()).toEqual([]);
  });

  it('to the giving back, past the deadline, make it a release of what was still ours when it was sent', async () => {
    const handle = await scene.lock({ ...patient, lockTimeoutMs: 400 }).acquire();
    faults.fault(requests.giveBack, { lateByMs: 500 });
    expect(await handle.release()).toBe(true);
    expect(faults.ofKind(requests.giveBack)).toMatchObject([{ status: 200 }]);
  });

  it('do not lengthen the lock: its time counts from before the request that started its TTL', async () => {
    const { proxy, scene: slow } = await stage.openBehindProxy();
    proxy.latencyMs = 300;
    const handle = await slow.lock({ ...patient, lockTimeoutMs: 2_000 }).acquire();
    expect(handle.remainingMs).toBeLessThanOrEqual(1_700);
    expect(handle.remainingMs).toBeGreaterThan(800);
    await handle.renew();
    // A renewal and the check that proves it: two answers.
    expect(handle.remainingMs).toBeLessThanOrEqual(1_400);
    expect(handle.remainingMs).toBeGreaterThan(500);
    proxy.heal();
    expect(await handle.release()).toBe(true);
  });

  it('to a guarded write are those of a write that came in time, or there is no write', async () => {
    const handle = await scene.lock({ ...patient, lockTimeoutMs: 600 }).acquire();
    let letGo = (): void => {};
    faults.fault(requests.transaction, { heldUntil: new Promise<void>((resolve) => (letGo = resolve)) });
    const writing = failureOf(
      async () =>
        await handle.transaction([
          { KV: { Verb: 'set', Key: scene.fullKey('data'), Value: Buffer.from('late').toString('base64') } },
        ]),
    );
    const next = await scene.lock({ lockTimeoutMs: 5_000 }).acquire({ acquireTimeoutMs: 10_000 });
    letGo();
    expect(await writing).toMatchObject({ code: 'LOCK_LOST' });
    expect(await scene.entry('data')).toBeUndefined();
    expect(await next.verify()).toBe(true);
    expect(await next.release()).toBe(true);
    expect(await handle.release()).toBe(false);
  });

  it('to a guarded write are refused by Consul even when the same session serves the next holder', async () => {
    const lock = scene.lock({ ...patient, lockTimeoutMs: 5_000 });
    const handle = await lock.acquire();
    let letGo = (): void => {};
    faults.fault(requests.transaction, { heldUntil: new Promise<void>((resolve) => (letGo = resolve)) });
    const write = [
      { KV: { Verb: 'set', Key: scene.fullKey('data'), Value: Buffer.from('late').toString('base64') } },
    ];
    const writing = failureOf(async () => await handle.transaction(write));
    await until(() => faults.passed.some(({ body }) => body.includes(scene.fullKey('data'))), {
      timeoutMs: 5_000,
    });
    expect(await handle.release()).toBe(true);
    const next = await lock.acquire();
    letGo();
    expect(await writing).toMatchObject({ code: 'LOCK_NOT_HELD' });
    expect(await scene.entry('data')).toBeUndefined();
    expect(await next.verify()).toBe(true);
    expect(await next.release()).toBe(true);
  });
});

describeWithOwnServer('connections', () => {
  let faults: AnswerFaults;
  let scene: Scene;

  beforeEach(async () => ({ faults, scene } = await stage.open()));

  describe('that are refused', () => {
    it('for a shorter time than retryTimeoutMs do not keep a contender from the lock', async () => {
      await faults.close();
      const acquiring = scene.lock(LIMITS).acquire();
      setTimeout(() => void faults.open(), 300);
      const handle = await acquiring;
      expect(faults.ofKind(requests.create)).toHaveLength(1);
      expect(faults.ofKind(requests.take)).toHaveLength(1);
      expect(await handle.release()).toBe(true);
    });

    it('for longer end the acquisition with the refusal', async () => {
      await faults.close();
      const began = performance.now();
      const failure = await failureOf(
        async () => await scene.lock({ ...LIMITS, retryTimeoutMs: 500 }).tryAcquire(),
      );
      expect(failure).toMatchObject({ ...UNAVAILABLE, operation: 'session.create' });
      expect(failure.message).toContain('ECONNREFUSED');
      expect(performance.now() - began).toBeGreaterThanOrEqual(500);
      expect(performance.now() - began).toBeLessThan(500 + 2 * REQUEST_MS + SLACK_MS);
    });

    it('are tried once with retryTimeoutMs 0', async () => {
      const { proxy, scene: refused } = await stage.openBehindProxy();
      proxy.refuse = true;
      expect(
        await failureOf(async () => await refused.lock({ ...LIMITS, retryTimeoutMs: 0 }).acquire()),
      ).toMatchObject(UNAVAILABLE);
      expect(proxy.connections).toBe(1);
    });

    it('for a shorter time than retryTimeoutMs do not keep a holder from renewing, verifying and releasing', async () => {
      const handle = await scene.lock(LIMITS).acquire();
      for (const act of [
        async () => await handle.renew(),
        async () => expect(await handle.verify()).toBe(true),
        async () => expect(await handle.release()).toBe(true),
      ]) {
        await faults.close();
        const acting = act();
        setTimeout(() => void faults.open(), 200);
        await acting;
      }
    });

    it('for longer make release reject, and a later one says true while the lock was still ours', async () => {
      const handle = await scene.lock({ ...LIMITS, retryTimeoutMs: 200 }).acquire();
      await faults.close();
      expect(await failureOf(async () => await handle.release())).toMatchObject(UNAVAILABLE);
      await faults.open();
      expect(await handle.release()).toBe(true);
      expect(await handle.release()).toBe(false);
    });

    it('for longer make release reject, and a later one says false when the lock was past its deadline', async () => {
      const handle = await scene
        .lock({ ...LIMITS, retryTimeoutMs: 100, requestTimeoutMs: 100, lockTimeoutMs: 600 })
        .acquire();
      const deadline = performance.now() + handle.remainingMs;
      faults.fault(requests.transaction, 'lost', Infinity);
      faults.fault(requests.destroy, 'lost', Infinity);
      await faults.close();
      expect(await failureOf(async () => await handle.release())).toMatchObject(UNAVAILABLE);
      await until(() => performance.now() > deadline + 10, { timeoutMs: 3_000 });
      faults.heal();
      await faults.open();
      expect(await handle.release()).toBe(false);
    });
  });

  describe('that are reset', () => {
    let proxy: FaultProxy;
    let shaky: Scene;

    beforeEach(async () => ({ proxy, scene: shaky } = await stage.openBehindProxy()));

    const waits = (): number => proxy.requests.filter(({ path }) => path.includes('index=')).length;

    /** Cuts the blocking query that is under way, again and again. */
    async function resetWaiting(times: number): Promise<void> {
      for (let i = 0; i < times; i++) {
        const before = waits();
        proxy.reset();
        await until(() => waits() > before, { timeoutMs: 5_000, intervalMs: 2 });
      }
    }

    it('while a contender waits do not lose it its turn', async () => {
      const holder = await shaky.lock(LIMITS).acquire();
      const waiting = shaky.lock(LIMITS).acquire({ acquireTimeoutMs: 10_000 });
      await until(() => waits() > 0, { timeoutMs: 5_000 });
      await resetWaiting(3);
      const releasing = performance.now();
      expect(await holder.release()).toBe(true);
      const handle = await waiting;
      expect(performance.now() - releasing).toBeLessThan(2_000);
      expect(handle.fencingToken).toBeGreaterThan(holder.fencingToken);
      expect(await handle.release()).toBe(true);
    });

    it('while a holder watches are no loss, and do not keep it from noticing one', async () => {
      const handle = await shaky.lock({ ...LIMITS, lockTimeoutMs: 30_000 }).acquire();
      const { signal } = handle;
      await until(() => waits() > 0, { timeoutMs: 5_000 });
      await resetWaiting(4);
      expect(signal.aborted).toBe(false);
      expect(handle.isHeld).toBe(true);
      const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      const destroyedAt = performance.now();
      await shaky.destroySession(handle.sessionId);
      await aborted;
      expect(performance.now() - destroyedAt).toBeLessThan(3_000);
      expect(signal.reason).toMatchObject({ reason: 'session-invalidated' });
      expect(await handle.release()).toBe(false);
    });

    it('and refused for a while hide a loss from a watching holder for no longer than that', async () => {
      const handle = await shaky.lock({ ...LIMITS, lockTimeoutMs: 30_000 }).acquire();
      const { signal } = handle;
      await until(() => waits() > 0, { timeoutMs: 5_000 });
      proxy.refuse = true;
      proxy.reset();
      await shaky.destroySession(handle.sessionId);
      const tried = proxy.connections;
      await until(() => proxy.connections > tried + 2, { timeoutMs: 10_000 });
      expect(signal.aborted).toBe(false);
      const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      proxy.heal();
      const healedAt = performance.now();
      await aborted;
      expect(performance.now() - healedAt).toBeLessThan(3_000);
      expect(signal.reason).toMatchObject({ reason: 'session-invalidated' });
    });

    it('all the time let a renewed lock live on as long as something gets through', async () => {
      const handle = await shaky.lock({ ...LIMITS, lockTimeoutMs: 800, renew: true }).acquire();
      const endAt = performance.now() + 2_000;
      while (performance.now() < endAt) {
        proxy.reset();
        proxy.refuse = !proxy.refuse;
        await new Promise((resolve) => setTimeout(resolve, 60));
      }
      proxy.heal();
      expect(handle.isHeld).toBe(true);
      expect(await handle.verify()).toBe(true);
      expect(await handle.release()).toBe(true);
    });
  });
});
