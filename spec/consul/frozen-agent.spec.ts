import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { EphemeralLock, LockHandle, LockOptions } from '../../lib/index.ts';
import { describeWithOwnAgents, startAgent } from '../support/consul.ts';
import { AnswerFaults, requests } from '../support/answer-faults.ts';
import type { ConsulAgent } from '../support/consul-server/consul-agent.ts';
import { until } from '../support/consul-server/until.ts';
import { failureOf } from '../support/failure-of.ts';
import { type Scene, Scenes } from '../support/scene.ts';

jest.setTimeout(30_000);

const REQUEST_MS = 300;
const RETRY_MS = 500;
const LIMITS: LockOptions = {
  requestTimeoutMs: REQUEST_MS,
  retryTimeoutMs: RETRY_MS,
  // A session whose creation was never answered is left to this.
  lockTimeoutMs: 1_000,
};

/** What a busy machine may add to a limit. */
const SLACK_MS = 500;

const UNAVAILABLE = { code: 'CONSUL_UNAVAILABLE', transient: true };

/** How something settled, and after how long. */
async function settled(
  act: () => Promise<unknown>,
): Promise<{ tookMs: number; value?: unknown; error?: unknown }> {
  const began = performance.now();
  try {
    const value = await act();
    return { tookMs: performance.now() - began, value };
  } catch (error) {
    return { tookMs: performance.now() - began, error };
  }
}

describeWithOwnAgents('a frozen agent', () => {
  let agent: ConsulAgent;
  let scene: Scene;
  const scenes = new Scenes();

  beforeAll(async () => {
    agent = await startAgent();
  });
  afterAll(async () => {
    // Only here: what was never answered is left to the TTLs, and these run out side by side.
    await scenes.end(5_000);
    await agent.stop();
  });
  beforeEach(() => {
    scene = scenes.open(agent.address);
  });
  afterEach(() => agent.thaw());

  describe.each([
    ['on a new connection', async () => {}],
    // Its session is still there for the next one, so that the first thing sent is the attempt itself.
    ['after another acquisition', async (lock: EphemeralLock) => await (await lock.acquire()).release()],
  ])('acquire, %s', (_title, warmUp) => {
    it('rejects within retryTimeoutMs and twice requestTimeoutMs without a timeout of its own', async () => {
      const lock = scene.lock(LIMITS);
      await warmUp(lock);
      await agent.freeze();
      const { tookMs, error } = await settled(async () => await lock.acquire());
      expect(error).toMatchObject(UNAVAILABLE);
      expect(tookMs).toBeGreaterThan(REQUEST_MS);
      expect(tookMs).toBeLessThan(RETRY_MS + 2 * REQUEST_MS + SLACK_MS);
    });

    it('rejects within acquireTimeoutMs and twice requestTimeoutMs, with failHard: false too', async () => {
      const lock = scene.lock(LIMITS);
      await warmUp(lock);
      await agent.freeze();
      const { tookMs, error } = await settled(
        async () => await lock.acquire({ acquireTimeoutMs: 700, failHard: false }),
      );
      expect(error).toMatchObject(UNAVAILABLE);
      expect(tookMs).toBeGreaterThanOrEqual(700);
      expect(tookMs).toBeLessThan(700 + 2 * REQUEST_MS + SLACK_MS);
    });

    it('rejects with the reason of its signal, no later than a clean-up takes', async () => {
      const lock = scene.lock(LIMITS);
      await warmUp(lock);
      await agent.freeze();
      const reason = new Error('enough');
      const controller = new AbortController();
      const acquiring = settled(
        async () => await lock.acquire({ acquireTimeoutMs: 10_000, signal: controller.signal }),
      );
      setTimeout(() => controller.abort(reason), 200);
      const { tookMs, error } = await acquiring;
      expect(error).toBe(reason);
      expect(tookMs).toBeLessThan(200 + 2 * REQUEST_MS + SLACK_MS);
    });

    it('gets the lock when the agent thaws in time', async () => {
      const lock = scene.lock(LIMITS);
      await warmUp(lock);
      await agent.freeze();
      const acquiring = lock.acquire({ acquireTimeoutMs: 5_000 });
      setTimeout(() => agent.thaw(), 2 * REQUEST_MS + 100);
      const handle = await acquiring;
      expect(handle.isHeld).toBe(true);
      expect(await handle.verify()).toBe(true);
      expect(await scene.entry()).toMatchObject({
        Session: handle.sessionId,
        ModifyIndex: handle.fencingToken,
      });
      expect(await handle.release()).toBe(true);
    });
  });

  describe('hold', () => {
    it('rejects in time and never runs fn', async () => {
      const lock = scene.lock(LIMITS);
      await agent.freeze();
      let runs = 0;
      const { tookMs, error } = await settled(async () => await lock.hold(() => ++runs));
      expect(error).toMatchObject(UNAVAILABLE);
      expect(runs).toBe(0);
      expect(tookMs).toBeLessThan(RETRY_MS + 2 * REQUEST_MS + SLACK_MS);
    });

    it('returns what fn returns when only the giving back fails, which is over in time', async () => {
      const lock = scene.lock(LIMITS);
      let frozenAt = 0;
      const result = await lock.hold(async () => {
        await agent.freeze();
        frozenAt = performance.now();
        return 'done';
      });
      expect(result).toBe('done');
      expect(performance.now() - frozenAt).toBeLessThan(RETRY_MS + REQUEST_MS + SLACK_MS);
    });
  });

  describe('a holder', () => {
    let handle: LockHandle;

    async function holdThroughFreeze(options: LockOptions = {}): Promise<void> {
      handle = await scene.lock({ ...LIMITS, lockTimeoutMs: 4_000, ...options }).acquire();
      await agent.freeze();
    }

    it.each([
      ['renew', (held: LockHandle) => held.renew(), RETRY_MS + REQUEST_MS],
      ['verify', (held: LockHandle) => held.verify(), RETRY_MS + REQUEST_MS],
      [
        'transaction',
        (held: LockHandle) => held.transaction([{ KV: { Verb: 'get', Key: held.fullKey } }]),
        REQUEST_MS,
      ],
    ])('%s rejects in time, and the lock is still held', async (_name, act, limitMs) => {
      await holdThroughFreeze();
      const { tookMs, error } = await settled(async () => await act(handle));
      expect(error).toMatchObject(UNAVAILABLE);
      expect(tookMs).toBeGreaterThanOrEqual(REQUEST_MS - 10);
      expect(tookMs).toBeLessThan(limitMs + SLACK_MS);
      expect(handle.isHeld).toBe(true);
      agent.thaw();
      expect(await handle.verify()).toBe(true);
      await act(handle);
      expect(await handle.release()).toBe(true);
    });

    it('release rejects in time, and a later one gives the lock back', async () => {
      await holdThroughFreeze();
      const { tookMs, error } = await settled(async () => await handle.release());
      expect(error).toMatchObject(UNAVAILABLE);
      expect(tookMs).toBeLessThan(RETRY_MS + REQUEST_MS + SLACK_MS);
      expect(handle.isHeld).toBe(false);
      agent.thaw();
      expect(await handle.release()).toBe(true);
      expect(await handle.release()).toBe(false);
    });

    it('release that was given up is made up for after the thaw, without anybody’s help', async () => {
      await holdThroughFreeze();
      expect(await failureOf(async () => await handle.release())).toMatchObject(UNAVAILABLE);
      agent.thaw();
      await scene.nothingLeft(2_000);
    });

    it('dispose logs, and does not reject', async () => {
      await holdThroughFreeze();
      const { tookMs, error } = await settled(async () => await handle[Symbol.asyncDispose]());
      expect(error).toBeUndefined();
      expect(tookMs).toBeLessThan(RETRY_MS + REQUEST_MS + SLACK_MS);
    });

    it.each([
      ['', false],
      [' and renews', true],
    ])('that has read its signal%s is told by the clock, at its deadline', async (_title, renew) => {
      await holdThroughFreeze({ lockTimeoutMs: 1_000, renew });
      const { signal } = handle;
      const deadline = performance.now() + handle.remainingMs;
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      expect(performance.now() - deadline).toBeGreaterThan(-2);
      expect(performance.now() - deadline).toBeLessThan(SLACK_MS);
      expect(signal.reason).toMatchObject({ code: 'LOCK_LOST', reason: 'expired' });
      expect(handle.isHeld).toBe(false);
      agent.thaw();
      // Consul still has the key, and renewals would still be answered: what is lost stays lost.
      expect(await handle.verify()).toBe(false);
      expect(await failureOf(async () => await handle.renew())).toMatchObject({ code: 'LOCK_LOST' });
      expect(await handle.release()).toBe(false);
    });

    it.each([
      ['', false],
      [' and renewed all the time', true],
    ])('keeps its lock through a freeze shorter than its TTL, watched%s', async (_title, renew) => {
      handle = await scene.lock({ ...LIMITS, lockTimeoutMs: 1_600, renew }).acquire();
      const { signal } = handle;
      const token = handle.fencingToken;
      await agent.freeze();
      await new Promise((resolve) => setTimeout(resolve, 700));
      agent.thaw();
      if (renew) {
        // Beyond the deadline that it began with.
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      }
      expect(await handle.verify()).toBe(true);
      expect(signal.aborted).toBe(false);
      expect(handle.fencingToken).toBe(token);
      expect(await handle.release()).toBe(true);
    });
  });

  it('carries abandoned attempts out after its thaw, and no key stays locked by them, ten times over', async () => {
    await using faults = await AnswerFaults.start(agent.address);
    const through = scenes.open(agent.address, { via: faults.address });
    const limits = { requestTimeoutMs: 100, retryTimeoutMs: 0, lockTimeoutMs: 30_000 };
    for (let game = 0; game < 10; game++) {
      const name = `zombie-${game}`;
      const lock = through.lock(limits, name);
      // What follows has its session already, and sends nothing but an attempt.
      await (await lock.acquire()).release();
      faults.passed.length = 0;
      await agent.freeze();
      expect((await settled(async () => await lock.tryAcquire())).error).toMatchObject(UNAVAILABLE);
      agent.thaw();
      await through.nothingLeft();
      expect(faults.ofKind(requests.create)).toEqual([]);
      const attempts = faults.ofKind(requests.take);
      expect(attempts.length).toBeGreaterThan(0);
      await until(() => attempts.every(({ status }) => status !== undefined), { timeoutMs: 3_000 });
      expect(await through.left()).toEqual({ keys: [], sessions: [] });
    }
  });
});
