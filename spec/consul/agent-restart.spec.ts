import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { describeWithOwnAgents, startAgent } from '../support/consul.ts';
import type { ConsulAgent } from '../support/consul-server/consul-agent.ts';
import { until } from '../support/consul-server/until.ts';
import { Scene } from '../support/scene.ts';

jest.setTimeout(60_000);

/** The server needs some seconds to be back, and counts every TTL anew then. */
const LIMITS = { lockTimeoutMs: 20_000, requestTimeoutMs: 2_000, retryTimeoutMs: 10_000 };

describeWithOwnAgents('a server that is killed and comes back', () => {
  let agent: ConsulAgent;
  let scene: Scene;

  describe('with its data', () => {
    beforeAll(async () => {
      agent = await startAgent({ mode: 'server' });
    });
    afterAll(async () => await agent.stop());
    beforeEach(() => {
      scene = new Scene(agent.address);
    });
    afterEach(async () => await scene.end());

    it('leaves a held lock with its holder, and a waiting contender in its place', async () => {
      const holder = await scene.lock(LIMITS).acquire();
      const { signal, fencingToken } = holder;
      const waiting = scene.lock(LIMITS).acquire({ acquireTimeoutMs: 30_000 });
      let isWaiting = true;
      void waiting.finally(() => (isWaiting = false));
      // A restart that takes away the answer to the making of its session would leave one that nobody knows of.
      await until(async () => (await scene.sessions()).length === 2, { timeoutMs: 5_000 });
      await agent.restart();
      expect(holder.isHeld).toBe(true);
      expect(await holder.verify()).toBe(true);
      await holder.renew();
      expect(holder.remainingMs).toBeGreaterThan(LIMITS.lockTimeoutMs - 3_000);
      await holder.transaction([{ KV: { Verb: 'get', Key: holder.fullKey } }]);
      expect(holder.fencingToken).toBe(fencingToken);
      expect(signal.aborted).toBe(false);
      expect(isWaiting).toBe(true);
      expect(await holder.release()).toBe(true);
      const next = await waiting;
      expect(next.fencingToken).toBeGreaterThan(fencingToken);
      expect(await next.verify()).toBe(true);
      expect(await next.release()).toBe(true);
    });

    it('lets a release that was asked for meanwhile, and an acquisition that began meanwhile, succeed', async () => {
      const holder = await scene.lock(LIMITS).acquire();
      await agent.kill();
      const releasing = holder.release();
      // A server that has no leader yet keeps a request for up to 7 s (`rpc_hold_timeout`), and then carries it out all the same:
      // given up before, the making of a session would leave one that nobody knows of.
      const acquiring = scene.lock({ ...LIMITS, requestTimeoutMs: 8_000 }, 'other').acquire();
      await agent.restart();
      expect(await releasing).toBe(true);
      const other = await acquiring;
      expect(await other.verify()).toBe(true);
      expect(await other.release()).toBe(true);
      expect(await scene.keys()).toEqual([]);
    });
  });

  describe('with the lock delay of a former holder in its log', () => {
    const DELAY_MS = 6_000;

    beforeAll(async () => {
      agent = await startAgent({ mode: 'server' });
      scene = new Scene(agent.address);
    });
    afterAll(async () => {
      await scene.end();
      await agent.stop();
    });

    it('counts it anew: the holder keeps its lock, and has to wait only to rewrite the lock’s own key', async () => {
      const former = await scene.lock({ ...LIMITS, lockDelayMs: DELAY_MS }).acquire();
      await scene.destroySession(former.sessionId);
      const holder = await scene.lock(LIMITS).acquire({ acquireTimeoutMs: 30_000 });
      const { fencingToken } = holder;
      await agent.restart();
      const rewrite = async (): Promise<unknown> =>
        await holder.transaction([{ KV: { Verb: 'set', Key: holder.fullKey, Value: 'bmV3' } }]);
      await expect(rewrite()).rejects.toMatchObject({
        code: 'CONSUL_REJECTED',
        transient: true,
        message: expect.stringContaining('due to lock delay'),
      });
      expect(holder.isHeld).toBe(true);
      expect(holder.fencingToken).toBe(fencingToken);
      expect(await holder.verify()).toBe(true);
      await holder.renew();
      const Key = scene.fullKey('data');
      await holder.transaction([
        { KV: { Verb: 'set', Key, Value: 'bmV3' } },
        { KV: { Verb: 'delete', Key } },
      ]);
      await until(
        async () =>
          await rewrite().then(
            () => true,
            (error: { transient?: boolean }) => {
              if (error.transient !== true) throw error;
              return false;
            },
          ),
        { timeoutMs: DELAY_MS + 5_000 },
      );
      expect(holder.fencingToken).toBeGreaterThan(fencingToken);
      expect(await holder.release()).toBe(true);
    });
  });

  describe('without its data', () => {
    beforeAll(async () => {
      agent = await startAgent();
    });
    afterAll(async () => await agent.stop());
    beforeEach(() => {
      scene = new Scene(agent.address);
    });
    afterEach(async () => await scene.end());

    it('has the holder told that its session is gone, and the waiting contender get the lock', async () => {
      const holder = await scene.lock(LIMITS).acquire();
      const { signal } = holder;
      const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      const waiting = scene.lock(LIMITS).acquire({ acquireTimeoutMs: 30_000 });
      await agent.restart();
      await aborted;
      expect(signal.reason).toMatchObject({ code: 'LOCK_LOST', reason: 'session-invalidated' });
      expect(holder.isHeld).toBe(false);
      const next = await waiting;
      expect(await next.verify()).toBe(true);
      expect(await holder.release()).toBe(false);
      expect(await next.verify()).toBe(true);
      expect(await next.release()).toBe(true);
    });

    it('has a guarded write refused that nothing else has told of the loss', async () => {
      const holder = await scene.lock(LIMITS).acquire();
      await agent.restart();
      expect(holder.isHeld).toBe(true);
      const write = { Verb: 'set', Key: scene.fullKey('data'), Value: 'bGF0ZQ==' };
      await expect(holder.transaction([{ KV: write }])).rejects.toMatchObject({
        code: 'LOCK_LOST',
        reason: 'session-invalidated',
      });
      expect(holder.isHeld).toBe(false);
      expect(await scene.keys()).toEqual([]);
    });
  });
});
