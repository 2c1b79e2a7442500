import type { KvEntry } from './consul-answer.ts';
import type { CallLimits, ConsulGate, KvOperation } from './consul-gate.ts';
import type { LossReason } from './errors.ts';
import type { LockEntry } from './lock-entry.ts';
import type { LockBehavior } from './options.ts';
import { indexGuardOf, readEntries, reasonOfLoss, sessionGuardOf } from './ownership.ts';

/**
 * Gives back every key that is still ours, and says how another was lost, if one was. Guarded by session and index, so that it
 * never removes the next holder's entry, however late it arrives. A key of ours that somebody has unlocked by hand, and that nobody
 * could ever take, is removed as well.
 */
export async function giveBackEntries(
  gate: ConsulGate,
  sessionId: string,
  entries: readonly LockEntry[],
  behavior: LockBehavior,
  limits: CallLimits,
): Promise<'given-back' | LossReason> {
  const rows = rowsAsTaken(entries);
  if (rows && (await giveBackAtOnce(gate, sessionId, rows, behavior, limits))) return 'given-back';
  let answer: 'given-back' | LossReason = 'given-back';
  for (let round = 0; round < 3; round++) {
    const found = await readEntries(gate, entries, limits);
    const owned: OwnedRow[] = found.flatMap(([entry, row]) =>
      entry.isOurs(row, sessionId)
        ? [{ ...row, fullKey: entry.fullKey, content: row.value?.toString('base64') ?? '' }]
        : [],
    );
    const lost = found.find(([entry, row]) => !entry.isOurs(row, sessionId));
    if (round === 0 && lost) answer = await reasonOfLoss(gate, sessionId, lost[1], limits);
    const unlocked =
      behavior === 'delete' ? found.flatMap(([entry, row]) => (entry.wasUnlocked(row) ? [row] : [])) : [];
    if (owned.length + unlocked.length === 0) return answer;
    for (const row of owned) await giveBackAtOnce(gate, sessionId, [row], behavior, limits);
    for (const row of unlocked) await gate.transact([deletionAsSeen(row)], limits);
  }
  throw gate.unexpected('transaction', 'the keys are being rewritten all the time');
}

type OwnedRow = Pick<KvEntry, 'modifyIndex' | 'lockIndex' | 'flags'> & Pick<LockEntry, 'fullKey' | 'content'>;

/** As they stand when nobody but us has written to them; undefined unless all of them were taken. */
function rowsAsTaken(entries: readonly LockEntry[]): OwnedRow[] | undefined {
  const rows: OwnedRow[] = [];
  for (const { fullKey, token, content, flags } of entries) {
    if (token === 0) return undefined;
    rows.push({ fullKey, modifyIndex: token, lockIndex: 1, content, flags });
  }
  return rows;
}

async function giveBackAtOnce(
  gate: ConsulGate,
  sessionId: string,
  rows: readonly OwnedRow[],
  behavior: LockBehavior,
  limits: CallLimits,
): Promise<boolean> {
  const operations: KvOperation[] = [];
  for (const row of rows) operations.push(...giveBackOperations(row, sessionId, behavior));
  return (await gate.transact(operations, limits)).committed;
}

function giveBackOperations(
  { fullKey: key, modifyIndex, lockIndex, content, flags }: OwnedRow,
  sessionId: string,
  behavior: LockBehavior,
): KvOperation[] {
  const seen = { fullKey: key, token: modifyIndex };
  if (behavior === 'delete') {
    // It says nothing of a key that is missing, but the guard before it does.
    return [sessionGuardOf(seen, sessionId), deletionAsSeen({ key, modifyIndex })];
  }
  const written = { Key: key, Value: content, Flags: flags, Session: sessionId };
  const unlock = { KV: { Verb: 'unlock', ...written } };
  // A plain write has set LockIndex to 0, and the key would pass for data: unlocked and locked again, it is a lock.
  return lockIndex === 0
    ? [indexGuardOf(seen), unlock, { KV: { Verb: 'lock', ...written } }, unlock]
    : [indexGuardOf(seen), unlock];
}

function deletionAsSeen({ key, modifyIndex }: Pick<KvEntry, 'key' | 'modifyIndex'>): KvOperation {
  return { KV: { Verb: 'delete-cas', Key: key, Index: modifyIndex } };
}
