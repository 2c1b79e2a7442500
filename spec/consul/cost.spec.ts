import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { resetDefaults, shutdown } from '../../lib/index.ts';
import { describeWithOwnAgents, startAgent } from '../support/consul.ts';
import type { ConsulAgent } from '../support/consul-server/consul-agent.ts';
import { until } from '../support/consul-server/until.ts';
import { FaultProxy } from '../support/proxy.ts';
import { type Scene, Scenes } from '../support/scene.ts';

jest.setTimeout(30_000);

describeWithOwnAgents('what a lock costs Consul', () => {
  const scenes = new Scenes();
  let agent: ConsulAgent;
  let proxy: FaultProxy;
  let scene: Scene;

  beforeAll(async () => {
    agent = await startAgent({ config: { telemetry: { prometheus_retention_time: '1h' } } });
    proxy = await FaultProxy.start(agent.address);
  });
  afterAll(async () => {
    await scenes.end();
    await proxy.stop();
    await agent.stop();
  });
  beforeEach(async () => {
    scene = scenes.open(agent.address, { via: proxy.address });
    // The idle sessions of the spec before are ended.
    await shutdown();
    resetDefaults();
    await idle();
  });

  /**
   * How many raft entries about keys and sessions the server has applied. The last log index also counts what Consul
   * writes for itself at any time: the agent's own registration, and a barrier every minute.
   */
  async function entriesApplied(): Promise<number> {
    const { text } = await scene.ask('/v1/agent/metrics?format=prometheus');
    const counts = text.matchAll(/^consul_fsm_(?:kvs|session|txn)_count(?:\{.*\})? (\d+)$/gm);
    return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
  }

  async function idle(): Promise<void> {
    const sessions = async (): Promise<unknown[]> =>
      JSON.parse((await scene.ask('/v1/session/list')).text) as unknown[];
    await until(async () => (await sessions()).length === 0, { timeoutMs: 5_000 });
  }

  /**
   * The entries and requests that `act` costs up to its settling. On a slow machine the session is renewed beside the
   * attempt, which is neither an entry nor a round trip more.
   */
  async function costOf(act: () => Promise<unknown>): Promise<{ entries: number; requests: string[] }> {
    const [applied, sent] = [await entriesApplied(), proxy.requests.length];
    await act();
    const requests = requestsSince(sent).filter((request) => !request.startsWith('PUT session/renew'));
    return { entries: (await entriesApplied()) - applied, requests };
  }

  function requestsSince(sent: number): string[] {
    return proxy.requests
      .slice(sent)
      .map(({ method, path }) => `${method} ${path.replace(/^\/v1\/|\?.*$/g, '')}`);
  }

  it('measures writes: the start and the end of a session are two entries', async () => {
    const cost = await costOf(async () => {
      const { text } = await scene.ask('/v1/session/create', { method: 'PUT', body: '{"TTL":"10s"}' });
      await scene.destroySession((JSON.parse(text) as { ID: string }).ID);
    });
    expect(cost.entries).toBe(2);
  });

  it('measures nothing of what the server writes beside that', async () => {
    const cost = await costOf(async () => {
      await scene.ask('/v1/catalog/register', {
        method: 'PUT',
        body: '{"Node":"another","Address":"127.0.0.1"}',
      });
    });
    expect(cost.entries).toBe(0);
  });

  describe('an uncontended acquire and release', () => {
    it.each([
      ['of one key', ['one']],
      ['of several keys', ['one', 'two', 'three']],
    ])(
      '%s that is seldom used is 3 raft entries in all, and a look before the last',
      async (_title, keys) => {
        const lock = scene.rareLock({}, keys);
        const cost = await costOf(async () => {
          expect(await (await lock.acquire()).release()).toBe(true);
          await scene.nothingLeft();
          await pause(1_500);
        });
        expect(cost.entries).toBe(3);
        expect(cost.requests.filter((request) => request.startsWith('PUT'))).toEqual([
          'PUT session/create',
          'PUT txn',
          expect.stringMatching(/^PUT session\/destroy/),
        ]);
        expect(cost.requests).toHaveLength(3 + keys.length);
      },
    );

    it('is 2 of each when the session is used again, and its end is one more for all of them', async () => {
      const lock = scene.lock();
      const cost = await costOf(async () => {
        for (let i = 0; i < 10; i++) await (await lock.acquire()).release();
        await scene.nothingLeft();
      });
      expect(cost.requests.filter((request) => request === 'PUT txn')).toHaveLength(20);
      expect(cost.requests.filter((request) => request.startsWith('PUT session/create'))).toHaveLength(1);
      expect(cost.requests.filter((request) => request.startsWith('PUT session/destroy'))).toHaveLength(1);
      expect(cost.entries).toBe(22);
    });

    it('leaves no session behind, a second and a half after the last release', async () => {
      const lock = scene.lock();
      expect(await (await lock.acquire()).release()).toBe(true);
      await scene.nothingLeft(1_500);
    });
  });

  it('a refused tryAcquire leaves no session behind, and is 3 raft entries at most', async () => {
    const holder = await scene.lock().acquire();
    const contender = scene.lock();
    const cost = await costOf(async () => expect(await contender.tryAcquire()).toBeNull());
    expect(await scene.sessions()).toEqual([holder.sessionId]);
    expect(cost.entries).toBeLessThanOrEqual(3);
    expect(await holder.release()).toBe(true);
  });

  it('renewing and verifying are no raft entries', async () => {
    const handle = await scene.lock().acquire();
    const cost = await costOf(async () => {
      await handle.renew();
      expect(await handle.verify()).toBe(true);
    });
    expect(cost.entries).toBe(0);
    expect(await handle.release()).toBe(true);
  });

  it('the signal is no request before it is read, and no raft entry ever', async () => {
    const handle = await scene.lock().acquire();
    const [sent, applied] = [proxy.requests.length, await entriesApplied()];
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(handle.isHeld).toBe(true);
    expect(requestsSince(sent)).toEqual([]);
    expect(handle.signal.aborted).toBe(false);
    await until(() => proxy.requests.some(({ path }) => path.includes('index=')), { timeoutMs: 5_000 });
    // The waiting itself: one request that stands, not many.
    const standing = proxy.requests.length;
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(requestsSince(standing)).toEqual([]);
    expect(await entriesApplied()).toBe(applied);
    expect(await handle.release()).toBe(true);
  });

  it('waiting for a holder is no raft entry and few requests, with a TTL that ends several times meanwhile', async () => {
    const holder = await scene.lock().acquire();
    const waiting = scene.lock({ lockTimeoutMs: 600 }).acquire({ acquireTimeoutMs: 20_000 });
    const waits = (): number => proxy.requests.filter(({ path }) => path.includes('index=')).length;
    const before = waits();
    await until(() => waits() > before, { timeoutMs: 5_000 });
    const [sent, applied] = [proxy.requests.length, await entriesApplied()];
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const requests = requestsSince(sent);
    expect(await entriesApplied()).toBe(applied);
    expect(requests.filter((request) => !request.startsWith('GET kv/'))).toEqual(
      requests.filter((request) => request.startsWith('PUT session/renew')),
    );
    expect(requests.length).toBeLessThan(20);
    expect(await holder.release()).toBe(true);
    const handle = await waiting;
    expect(handle.remainingMs).toBeGreaterThan(300);
    expect(await handle.release()).toBe(true);
  });
});
