import type { KvEntry, SessionInfo } from './consul-answer.ts';
import type { CallLimits, ConsulGate } from './consul-gate.ts';
import type { LockInfo } from './lock-info.ts';

/** Who has this key, as Consul's leader knows it; null when there is no such key. */
export async function readLockInfo(
  gate: ConsulGate,
  fullKey: string,
  limits?: CallLimits,
): Promise<LockInfo | null> {
  const entry = await gate.readKey(fullKey, { ...limits, consistency: 'consistent' });
  if (entry === null) return null;
  const session =
    entry.session === undefined ? null : await gate.readSession(entry.session, 'consistent', limits);
  return lockInfoOf(entry, session);
}

export function lockInfoOf(entry: KvEntry, session: SessionInfo | null | undefined): LockInfo {
  const value = entry.value === null ? null : entry.value.toString();
  const lockedAt = lockedAtOf(value);
  return {
    fullKey: entry.key,
    locked: entry.session !== undefined,
    ...(entry.session !== undefined && { sessionId: entry.session }),
    fencingToken: entry.modifyIndex,
    value,
    ...(session && {
      node: session.node,
      sessionName: session.name,
      ...(session.ttlMs > 0 && { ttlMs: session.ttlMs }),
    }),
    ...(lockedAt && { lockedAt }),
  };
}

/** Read out of the value that `generateValue` writes by default; a value of another kind tells nothing. */
function lockedAtOf(value: string | null): Date | undefined {
  if (value === null || !value.includes('"locked_at"')) return undefined;
  try {
    const { locked_at: lockedAt } = JSON.parse(value) as { locked_at?: unknown };
    const date = new Date(lockedAt as string);
    return Number.isNaN(date.getTime()) ? undefined : date;
  } catch {
    return undefined;
  }
}
