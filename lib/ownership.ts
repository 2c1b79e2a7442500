import type { KvEntry } from './consul-answer.ts';
import type { CallLimits, ConsulGate, KvOperation } from './consul-gate.ts';
import { merged } from './merged.ts';
import type { LossReason } from './errors.ts';
import type { LockEntry } from './lock-entry.ts';

/** A key that a session holds. */
export type HeldEntry = KvEntry & { readonly session: string };

/** The entries as they stand in Consul, read consistently. */
export async function readEntries(
  gate: ConsulGate,
  entries: readonly LockEntry[],
  limits: CallLimits,
): Promise<(readonly [LockEntry, KvEntry | null])[]> {
  return await Promise.all(
    entries.map(
      async (entry) =>
        [
          entry,
          await gate.readKey(entry.fullKey, merged(limits, { consistency: 'consistent' as const })),
        ] as const,
    ),
  );
}

/** Operations that are refused unless the key stands as we last wrote it. */
export function guardsOf(
  { fullKey, token }: Pick<LockEntry, 'fullKey' | 'token'>,
  sessionId: string,
): KvOperation[] {
  return [
    { KV: { Verb: 'check-session', Key: fullKey, Session: sessionId } },
    { KV: { Verb: 'check-index', Key: fullKey, Index: token } },
  ];
}

/** Asks Consul, consistently, whether every key is still ours. */
export async function checkEntries(
  gate: ConsulGate,
  sessionId: string,
  entries: readonly LockEntry[],
  limits: CallLimits,
): Promise<'ours' | LossReason> {
  const found = await readEntries(gate, entries, limits);
  const lost = found.find(([entry, row]) => !entry.isOurs(row, sessionId));
  if (lost) return await reasonOfLoss(gate, sessionId, lost[1], limits);
  for (const [entry, row] of found) entry.adopt(row);
  return 'ours';
}

export async function reasonOfLoss(
  gate: ConsulGate,
  sessionId: string,
  row: KvEntry | null,
  limits: CallLimits,
): Promise<LossReason> {
  if ((await gate.readSession(sessionId, 'consistent', limits)) === null) return 'session-invalidated';
  return row === null ? 'key-deleted' : 'taken';
}
