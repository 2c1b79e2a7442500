import { setTimeout as pause } from 'node:timers/promises';
import { SERVERS, type AgentName, type Cluster } from './cluster.ts';

/** A lock as an outsider sees it. */
export interface HeldKey {
  readonly Key: string;
  readonly Session: string;
  /** The id of the attempt that took it. */
  readonly holder: string;
}

/** What is held just now; looks again for a while when nothing is. */
export async function heldKeys(cluster: Cluster, run: string): Promise<HeldKey[]> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const held = await lookAtKeys(cluster, SERVERS[attempt % SERVERS.length]!, run).catch(() => []);
    if (held.length > 0) return held;
    await pause(20);
  }
  return [];
}

/** What is held, by a consistent reading; rejects when this server cannot tell. */
export async function lookAtKeys(cluster: Cluster, server: AgentName, run: string): Promise<HeldKey[]> {
  const { status, text } = await cluster.ask(server, `/v1/kv/locks/${run}/?recurse&consistent`, {
    timeoutMs: 500,
  });
  if (status === 404) return [];
  if (status !== 200) throw new Error(text);
  const rows = JSON.parse(text) as { Key: string; Session?: string; Value: string | null }[];
  return rows.flatMap(({ Key, Session, Value }) =>
    Session === undefined ? [] : [{ Key, Session, holder: decoded(Value) }],
  );
}

function decoded(value: string | null): string {
  return Buffer.from(value ?? '', 'base64').toString();
}
