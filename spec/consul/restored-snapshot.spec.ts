import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { describeWithOwnAgents, startAgent } from '../support/consul.ts';
import type { ConsulAgent } from '../support/consul-server/consul-agent.ts';
import { Scene } from '../support/scene.ts';

jest.setTimeout(60_000);

/** As `consul snapshot save` and `consul snapshot restore` do it. */
async function savedFrom({ httpUrl }: ConsulAgent): Promise<ArrayBuffer> {
  return await (await fetch(`${httpUrl}/v1/snapshot`)).arrayBuffer();
}

async function restoreInto({ httpUrl }: ConsulAgent, snapshot: ArrayBuffer): Promise<void> {
  const { status } = await fetch(`${httpUrl}/v1/snapshot`, { method: 'PUT', body: snapshot });
  expect(status).toBe(200);
}

describeWithOwnAgents('a snapshot that is restored', () => {
  let agent: ConsulAgent;
  let scene: Scene;

  beforeEach(async () => {
    agent = await startAgent();
    scene = new Scene(agent.address);
  });
  afterEach(async () => {
    await scene.end();
    await agent.stop();
  });

  it('on the same servers takes away a lock that was taken since, before its deadline; tokens go on growing', async () => {
    const snapshot = await savedFrom(agent);
    const holder = await scene.lock().acquire();
    for (let round = 0; round < 5; round++) await (await scene.lock({}, 'other').acquire()).release();
    await restoreInto(agent, snapshot);
    const next = await scene.lock().acquire();
    expect(holder.isHeld).toBe(true);
    expect(next.fencingToken).toBeGreaterThan(holder.fencingToken);
    expect(await holder.verify()).toBe(false);
    expect(await next.release()).toBe(true);
    await holder.release();
  });

  it('on new servers makes tokens smaller than they were', async () => {
    const snapshot = await savedFrom(agent);
    for (let round = 0; round < 20; round++) await (await scene.lock({}, 'other').acquire()).release();
    const before = await scene.lock().acquire();
    await using anew = await startAgent();
    await restoreInto(anew, snapshot);
    const sceneAnew = new Scene(anew.address);
    // The snapshot does not know the new server, which makes no session before it has registered itself again.
    const after = await sceneAnew.lock({ retryTimeoutMs: 40_000 }).acquire();
    expect(after.fencingToken).toBeLessThan(before.fencingToken);
    expect(await after.release()).toBe(true);
    await sceneAnew.end();
    await before.release();
  });
});
