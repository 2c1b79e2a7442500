import type { CallLimits, ConsulGate, KvOperation } from './consul-gate.ts';
import { type KvEntry, type KvResult, type Refusal, withoutNames } from './consul-answer.ts';
import type { LockEntry } from './lock-entry.ts';
import { type HeldEntry, indexGuardOf, readEntries, wasLock } from './ownership.ts';

export type TakeOutcome =
  | { readonly kind: 'taken' }
  /**
   * Another session has it, or the very session of the attempt, by an entry that is not the attempt's. `found`: as it has
   * just been read, where it was.
   */
  | {
      readonly kind: 'held';
      readonly fullKey: string;
      readonly found?: HeldEntry | undefined;
      readonly isOwnSession?: boolean;
    }
  | { readonly kind: 'lock-delay' }
  | { readonly kind: 'session-gone' }
  /** There is data under the key that never was a lock. */
  | { readonly kind: 'conflict'; readonly fullKey: string }
  /** The key changed under our hands: worth another attempt. */
  | { readonly kind: 'changed' }
  /** An earlier attempt took the keys, and somebody has removed or overwritten some of them since. */
  | { readonly kind: 'torn' };

/**
 * Takes every key or none, in one transaction, and sets the entries' tokens.
 *
 * `check-not-exists` before `lock` keeps data that is no lock from being overwritten. Its price: a refusal that only says
 * "exists" has to be looked into, because it may be our own earlier attempt, data, or a lock left behind unlocked, which
 * is then taken under `check-index`.
 */
export async function takeEntries(
  gate: ConsulGate,
  sessionId: string,
  entries: readonly LockEntry[],
  limits: CallLimits,
): Promise<TakeOutcome> {
  let leftBehind: Map<string, number> | undefined;
  for (let round = 0; round < 3; round++) {
    const operations: KvOperation[] = [];
    for (const entry of entries) {
      operations.push(takeGuardOf(entry, leftBehind?.get(entry.fullKey)), lockOperation(entry, sessionId));
    }
    const outcome = await gate.transact(operations, limits);
    if (outcome.committed) {
      noteTaken(gate, sessionId, entries, outcome.results);
      return { kind: 'taken' };
    }
    const refused = entries.map((_entry, index) => reasonOf(index, outcome.refusals));
    if (refused.includes('session-gone')) return { kind: 'session-gone' };
    const unclear = entries.filter((_entry, index) => refused[index] === 'exists');
    leftBehind ??= new Map();
    const unclearOutcome = await lookInto(gate, sessionId, unclear, leftBehind, limits);
    if (unclearOutcome?.kind === 'conflict') return unclearOutcome;
    // What we have is not kept while others are waited for.
    if (unclearOutcome?.kind === 'taken' || unclearOutcome?.kind === 'torn') {
      return unclear.length < entries.length ? { kind: 'torn' } : unclearOutcome;
    }
    if (unclearOutcome?.kind === 'held' && unclearOutcome.isOwnSession === true) return unclearOutcome;
    const held = entries.find((_entry, index) => refused[index] === 'held');
    if (held) return { kind: 'held', fullKey: held.fullKey };
    if (refused.includes('lock-delay')) return { kind: 'lock-delay' };
    if (unclearOutcome) return unclearOutcome;
    if (refused.includes('changed')) leftBehind.clear();
    else if (unclear.length === 0) {
      const [refusal] = outcome.refusals;
      throw gate.unexpected('transaction', `a refusal of an unknown kind: ${refusal?.what ?? 'none'}`);
    }
  }
  return { kind: 'changed' };
}

/** Sets the entries' tokens by what Consul says that it has locked. */
export function noteTaken(
  gate: ConsulGate,
  sessionId: string,
  entries: readonly LockEntry[],
  results: readonly KvResult[],
): void {
  for (const entry of entries) {
    const row = results.findLast(({ KV }) => KV.Key === entry.fullKey)?.KV;
    if (row?.Session !== sessionId || row.Flags !== entry.flags) {
      throw gate.unexpected('transaction', `the lock on ${entry.fullKey} is not in it`);
    }
    entry.taken({ modifyIndex: row.ModifyIndex, createIndex: row.CreateIndex });
  }
}

export function lockOperation({ fullKey, content, flags }: LockEntry, sessionId: string): KvOperation {
  return { KV: { Verb: 'lock', Key: fullKey, Value: content, Flags: flags, Session: sessionId } };
}

/** @param leftBehind - the `ModifyIndex` of a lock that nobody holds, where one was found. */
function takeGuardOf({ fullKey }: LockEntry, leftBehind: number | undefined): KvOperation {
  return leftBehind === undefined
    ? { KV: { Verb: 'check-not-exists', Key: fullKey } }
    : indexGuardOf({ fullKey, token: leftBehind });
}

type Reason = 'held' | 'lock-delay' | 'session-gone' | 'exists' | 'changed' | 'unknown' | undefined;

/** Consul's words for a refusal, measured on 1.8.7; a follower may put more in front of them. */
function reasonOf(index: number, refusals: readonly Refusal[]): Reason {
  const said = refusals
    .filter(({ opIndex }) => Math.floor(opIndex / 2) === index)
    .map(({ what }) => withoutNames(what));
  if (said.length === 0) return undefined;
  const says = (text: string): boolean => said.some((what) => what.includes(text));
  if (says('invalid session') || says('failed session lookup')) return 'session-gone';
  if (says('lock is already held')) return 'held';
  if (says('due to lock delay')) return 'lock-delay';
  if (says('failed index check') || says('failed to check index')) return 'changed';
  if (says(' exists')) return 'exists';
  return 'unknown';
}

/** What the keys are of which Consul only says that they exist; undefined when another attempt is worth it at once. */
async function lookInto(
  gate: ConsulGate,
  sessionId: string,
  unclear: readonly LockEntry[],
  leftBehind: Map<string, number>,
  limits: CallLimits,
): Promise<TakeOutcome | undefined> {
  if (unclear.length === 0) return undefined;
  const found = await readEntries(gate, unclear, limits);
  const ours = new Map<LockEntry, KvEntry>();
  let heldBy: LockEntry | undefined;
  let ownSessions: LockEntry | undefined;
  for (const [entry, row] of found) {
    if (row === null) continue;
    if (row.session === sessionId && row.flags === entry.flags) ours.set(entry, row);
    else if (row.session === sessionId) ownSessions ??= entry;
    else if (row.session !== undefined) heldBy ??= entry;
    else if (!wasLock(row)) return { kind: 'conflict', fullKey: entry.fullKey };
    else leftBehind.set(entry.fullKey, row.modifyIndex);
  }
  if (ours.size === unclear.length) {
    for (const [entry, row] of ours) entry.taken(row);
    return { kind: 'taken' };
  }
  if (ours.size > 0) return { kind: 'torn' };
  if (ownSessions) return { kind: 'held', fullKey: ownSessions.fullKey, isOwnSession: true };
  return heldBy && { kind: 'held', fullKey: heldBy.fullKey };
}
