import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import { EphemeralLock } from '../../lib/index.ts';
import { clientFor } from '../support/client.ts';
import { describeWithOwnAgents, startAgent } from '../support/consul.ts';
import type { ConsulAgent } from '../support/consul-server/consul-agent.ts';
import { consulRequest } from '../support/consul-server/consul-request.ts';
import { until } from '../support/consul-server/until.ts';
import { Scene } from '../support/scene.ts';

jest.setTimeout(60_000);

const TTL_MS = 4_000;

describeWithOwnAgents('an agent that leaves its cluster', () => {
  let server: ConsulAgent;
  let agent: ConsulAgent;
  let scene: Scene;

  beforeAll(async () => {
    server = await startAgent();
  });
  afterAll(async () => await server.stop());
  beforeEach(async () => {
    agent = await startAgent({ mode: 'client', join: [server] });
    scene = new Scene(server.address);
  });
  afterEach(async () => {
    await scene.end();
    await agent.stop();
  });

  /** A lock on the same key, of a contender that asks this agent. */
  function lockThrough({ address }: ConsulAgent, options = {}): EphemeralLock {
    const terms = {
      ...scene.plainOptions,
      lockTimeoutMs: TTL_MS,
      requestTimeoutMs: 1_000,
      retryTimeoutMs: 0,
    };
    return new EphemeralLock(scene.key(), { consulClient: clientFor(address), ...terms, ...options });
  }

  /** Resolves when the key is free; the agent itself takes longer to go. */
  async function leave(): Promise<void> {
    void consulRequest(agent.address, '/v1/agent/leave', { method: 'PUT' }).catch(() => {});
    await until(async () => (await scene.entry()) === undefined, { timeoutMs: TTL_MS / 2 });
  }

  it('takes the locks with it that were taken through it, before their deadline', async () => {
    const holder = await lockThrough(agent).acquire();
    await leave();
    const next = await scene.lock().acquire();
    expect(holder.isHeld).toBe(true);
    expect(next.fencingToken).toBeGreaterThan(holder.fencingToken);
    expect(await next.release()).toBe(true);
  });

  it('lets nobody have them before their deadline when their lock delay is as long as their TTL', async () => {
    const holder = await lockThrough(agent, { lockDelayMs: TTL_MS }).acquire();
    await leave();
    expect(holder.isHeld).toBe(true);
    const next = await scene.lock().acquire({ acquireTimeoutMs: 3 * TTL_MS });
    expect(holder.isHeld).toBe(false);
    expect(next.fencingToken).toBeGreaterThan(holder.fencingToken);
    expect(await next.release()).toBe(true);
  });
});
