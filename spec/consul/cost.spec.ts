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
    // Nobody else writes here, once the server has written down itself.
    agent = await startAgent({ config: { disable_coordinates: true } });
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

  async function raftIndex(): Promise<number> {
    const { text } = await scene.ask('/v1/agent/self');
    const { Stats } = JSON.parse(text) as { Stats: { raft: { last_log_index: string } } };
    return Number(Stats.raft.last_log_index);
  }

  async function idle(): Promise<void> {
    const sessions = async (): Promise<unknown[]> =>
      JSON.parse((await scene.ask('/v1/session/list')).text) as unknown[];
    await until(async () => (await sessions()).length === 0, { timeoutMs: 5_000 });
    let index = await raftIndex();
    let since = performance.now();
    await until(
      async () => {
        const now = await raftIndex();
        if (now !== index) [index, since] = [now, performance.now()];
        return performance.now() - since > 200;
      },
      { timeoutMs: 10_000 },
    );
  }

  /**
   * The entries and requests that `act` costs up to its settling. On a slow machine the session is renewed beside the
   * attempt, which is neither an entry nor a round trip more.
   */
  async function costOf(act: () => Promise<unknown>): Promise<{ entries: number; requests: string[] }> {
    const [index, sent] = [await raftIndex(), proxy.requests.length];
    await act();
    const requests = requestsSince(sent).filter((request) => !request.startsWith('PUT session/renew'));
    return { entries: (await raftIndex()) - index, requests };
  }

  function requestsSince(sent: number): string[] {
    return proxy.requests
      .slice(sent)
      .map(({ method, path }) => `${method} ${path.replace(/^\/v1\/|\?.*$/g, '')}`);
  }

  it('measures writes: a session and a key are two entries', async () => {
    const cost = await costOf(async () => {
      const { text } = await scene.ask('/v1/session/create', { method: 'PUT', body: '{"TTL":"10s"}' });
      await scene.destroySession((JSON.parse(text) as { ID: string }).ID);
    });
    expect(cost.entries).toBe(2);
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
    const [sent, index] = [proxy.requests.length, await raftIndex()];
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(handle.isHeld).toBe(true);
    expect(requestsSince(sent)).toEqual([]);
    expect(handle.signal.aborted).toBe(false);
    await until(() => proxy.requests.some(({ path }) => path.includes('index=')), { timeoutMs: 5_000 });
    // The waiting itself: one request that stands, not many.
    const standing = proxy.requests.length;
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(requestsSince(standing)).toEqual([]);
    expect(await raftIndex()).toBe(index);
    expect(await handle.release()).toBe(true);
  });

  it('waiting for a holder is no raft entry and few requests, with a TTL that ends several times meanwhile', async () => {
    const holder = await scene.lock().acquire();
    const waiting = scene.lock({ lockTimeoutMs: 600 }).acquire({ acquireTimeoutMs: 20_000 });
    const waits = (): number => proxy.requests.filter(({ path }) => path.includes('index=')).length;
    const before = waits();
    await until(() => waits() > before, { timeoutMs: 5_000 });
    const [sent, index] = [proxy.requests.length, await raftIndex()];
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const requests = requestsSince(sent);
    expect(await raftIndex()).toBe(index);
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
