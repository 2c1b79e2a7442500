import { setTimeout as pause } from 'node:timers/promises';
import { contenderOf } from '../history/facts.ts';
import { SERVERS, type Cluster } from './cluster.ts';

/** A lock as an outsider sees it. */
export interface HeldKey {
  readonly Key: string;
  readonly Session: string;
  readonly holder: string;
}

/** What is held just now, by whom; looks again for a while when nothing is. */
export async function heldKeys(cluster: Cluster, run: string): Promise<HeldKey[]> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const server = SERVERS[attempt % SERVERS.length]!;
    const answer = await cluster
      .ask(server, `/v1/kv/locks/${run}/?recurse`, { timeoutMs: 500 })
      .catch(() => ({ status: 0, text: '' }));
    const rows =
      answer.status === 200
        ? (JSON.parse(answer.text) as { Key: string; Session?: string; Value: string | null }[])
        : [];
    const held = rows.flatMap(({ Key, Session, Value }) =>
      Session === undefined ? [] : [{ Key, Session, holder: contenderOf(decoded(Value)) }],
    );
    if (held.length > 0) return held;
    await pause(20);
  }
  return [];
}

function decoded(value: string | null): string {
  return Buffer.from(value ?? '', 'base64').toString();
}
