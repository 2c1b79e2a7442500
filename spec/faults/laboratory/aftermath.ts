import { setTimeout as pause } from 'node:timers/promises';
import { EphemeralLock, resetDefaults, shutdown } from '../../../lib/index.ts';
import { clientFor } from '../../support/client.ts';
import { until } from '../../support/consul-server/until.ts';
import type { LaboratoryFact, RegisterState } from '../history/facts.ts';
import { machineTimeMs } from '../history/machine-time.ts';
import type { Cluster } from './cluster.ts';
import { KEYS, LONGEST_LOCK_DELAY_MS, LONGEST_TTL_MS } from './terms.ts';

/** API.md has no number for it: a session ends at twice its TTL, and then its lock delay runs. */
const LIMIT_MS = 2 * LONGEST_TTL_MS + LONGEST_LOCK_DELAY_MS;

/** When the faults are over and the contenders gone: takes every key, then looks for what is left of the run. */
export async function lookAtAftermath(
  cluster: Cluster,
  run: string,
  tell: (fact: LaboratoryFact) => void,
): Promise<void> {
  await cluster.healthy();
  const healthyAt = machineTimeMs();
  tell({ kind: 'healthy', at: healthyAt, sessions: await sessionsOf(cluster, run) });
  await Promise.all(KEYS.map(async (key) => await retake(cluster, run, key, tell)));
  await shutdown();
  resetDefaults();
  tell({ kind: 'registers', at: machineTimeMs(), registers: await registersOf(cluster, run) });
  // A session that nobody knows, because the answer to its creation was lost, has its TTL to live.
  await until(async () => (await sessionsOf(cluster, run)).length === 0, {
    timeoutMs: Math.max(1_000, healthyAt + LIMIT_MS - machineTimeMs()),
    intervalMs: 100,
  }).catch(() => {});
  const [keys, sessions] = [await keysOf(cluster, `locks/${run}/`), await sessionsOf(cluster, run)];
  tell({ kind: 'left', at: machineTimeMs(), keys: keys.map(({ Key }) => Key), sessions });
}

async function retake(
  cluster: Cluster,
  run: string,
  key: string,
  tell: (fact: LaboratoryFact) => void,
): Promise<void> {
  const consulClient = clientFor(cluster.agents['server-0'].address);
  const lock = new EphemeralLock(key, {
    consulClient,
    lockKeyPattern: `locks/${run}/%s`,
    sessionName: run,
    acquireTimeoutMs: 30_000,
  });
  try {
    const handle = await lock.acquire();
    tell({ kind: 'retaken', at: machineTimeMs(), key, limitMs: LIMIT_MS });
    await handle.release();
  } catch (failure) {
    tell({ kind: 'retaken', at: machineTimeMs(), key, limitMs: LIMIT_MS, error: String(failure) });
  } finally {
    consulClient.destroy();
  }
}

async function sessionsOf(cluster: Cluster, run: string): Promise<string[]> {
  const list = await read<{ ID: string; Name: string }>(cluster, '/v1/session/list?consistent');
  return list.filter(({ Name }) => Name.startsWith(run)).map(({ ID }) => ID);
}

async function keysOf(
  cluster: Cluster,
  prefix: string,
): Promise<{ Key: string; Value: string | null; ModifyIndex: number }[]> {
  return await read(cluster, `/v1/kv/${prefix}?recurse&consistent`);
}

async function registersOf(cluster: Cluster, run: string): Promise<RegisterState[]> {
  return (await keysOf(cluster, `registers/${run}/`)).map(({ Key, Value, ModifyIndex }) => ({
    key: Key,
    ...(JSON.parse(Buffer.from(Value ?? '', 'base64').toString()) as { token: number; id: string }),
    index: ModifyIndex,
  }));
}

/** The cluster is healthy, but the machine may be busy. */
async function read<T>(cluster: Cluster, path: string): Promise<T[]> {
  for (let attempt = 0; ; attempt++) {
    const { status, text } = await cluster
      .ask('server-0', path)
      .catch((error: unknown) => ({ status: 0, text: String(error) }));
    if (status === 404) return [];
    if (status === 200) return JSON.parse(text) as T[];
    if (attempt === 20) throw new Error(`${path}: ${status} ${text}`);
    await pause(100);
  }
}
