import type { KvEntry } from './consul-answer.ts';
import type { CallLimits, ConsulGate, KvOperation } from './consul-gate.ts';
import { merged } from './merged.ts';
import type { LossReason } from './errors.ts';
import type { LockEntry } from './lock-entry.ts';
import { areOfALock } from './lock-flags.ts';

/** A key that a session holds. */
export type HeldEntry = KvEntry & { readonly session: string };

/**
 * Whether a key that nobody holds was a lock. `LockIndex` alone does not tell: a handing over sets it to 0, and somebody else may
 * have unlocked the key since.
 */
export function wasLock({ lockIndex, flags }: KvEntry): boolean {
  return lockIndex > 0 || areOfALock(flags);
}

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

type Written = Pick<LockEntry, 'fullKey' | 'token'>;

/**
 * Operations that are refused unless the key stands as we last wrote it. The index alone would do, but that a snapshot which
 * is restored sets all indexes back, and they are given out again.
 */
export function guardsOf(entry: Written, sessionId: string): KvOperation[] {
  return [sessionGuardOf(entry, sessionId), indexGuardOf(entry)];
}

/** Where what comes next looks at the index itself. */
export function sessionGuardOf({ fullKey }: Written, sessionId: string): KvOperation {
  return { KV: { Verb: 'check-session', Key: fullKey, Session: sessionId } };
}

/** Where what comes next looks at the session itself. */
export function indexGuardOf({ fullKey, token }: Written): KvOperation {
  return { KV: { Verb: 'check-index', Key: fullKey, Index: token } };
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
