import type { ConsulGate, CallLimits, KvOperation } from './consul-gate.ts';
import { type KvEntry, type Refusal, withoutNames } from './consul-answer.ts';
import type { LossReason } from './errors.ts';
import type { LockBehavior } from './options.ts';

/** One key of a lock as it stands in Consul, or is to stand there. */
export interface LockEntry {
  /** As it was asked for. */
  readonly key: string;
  readonly fullKey: string;
  value: Buffer;
  /**
   * Drawn anew for each acquisition, so that an attempt knows itself again, whatever its value; and so that
   * `ModifyIndex` grows, which Consul leaves as it is when value and flags stay the same.
   */
  flags: number;
  /** The `ModifyIndex` of the acquisition, or of the last rewriting; 0 before. */
  token: number;
  /** The flags of rewritings whose answers never came. */
  readonly pendingFlags: Set<number>;
}

export type TakeOutcome =
  | { readonly kind: 'taken' }
  /** Another session has it. */
  | { readonly kind: 'held'; readonly fullKey: string }
  | { readonly kind: 'lock-delay' }
  | { readonly kind: 'session-gone' }
  /** There is data under the key that never was a lock. */
  | { readonly kind: 'conflict'; readonly fullKey: string }
  /** The key changed under our hands: worth another attempt. */
  | { readonly kind: 'changed' }
  /** An earlier attempt took the keys, and somebody has removed some of them since. */
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
  const leftBehind = new Map<string, number>();
  for (let round = 0; round < 3; round++) {
    const operations = entries.flatMap((entry) => takeOperations(entry, sessionId, leftBehind));
    const outcome = await gate.transact(operations, limits);
    if (outcome.committed) {
      for (const entry of entries) {
        const row = outcome.results.findLast(({ KV }) => KV.Key === entry.fullKey)?.KV;
        if (row?.Session !== sessionId || row.Flags !== entry.flags) {
          throw gate.unexpected('transaction', `the lock on ${entry.fullKey} is not in it`);
        }
        entry.token = row.ModifyIndex;
      }
      return { kind: 'taken' };
    }
    const refused = entries.map((_entry, index) => reasonOf(index, outcome.refusals));
    if (refused.includes('session-gone')) return { kind: 'session-gone' };
    const unclear = entries.filter((_entry, index) => refused[index] === 'exists');
    const unclearOutcome = await lookInto(gate, sessionId, unclear, leftBehind, limits);
    if (unclearOutcome?.kind === 'conflict') return unclearOutcome;
    const held = entries.find((_entry, index) => refused[index] === 'held');
    if (held) return { kind: 'held', fullKey: held.fullKey };
    if (refused.includes('lock-delay')) return { kind: 'lock-delay' };
    if (unclearOutcome)
      return unclearOutcome.kind === 'taken' && unclear.length < entries.length
        ? { kind: 'torn' }
        : unclearOutcome;
    if (refused.includes('changed')) leftBehind.clear();
    else if (unclear.length === 0) {
      const [refusal] = outcome.refusals;
      throw gate.unexpected('transaction', `a refusal of an unknown kind: ${refusal?.what ?? 'none'}`);
    }
  }
  return { kind: 'changed' };
}

function takeOperations(
  { fullKey, value, flags }: LockEntry,
  sessionId: string,
  leftBehind: ReadonlyMap<string, number>,
): KvOperation[] {
  const index = leftBehind.get(fullKey);
  return [
    index === undefined
      ? { KV: { Verb: 'check-not-exists', Key: fullKey } }
      : { KV: { Verb: 'check-index', Key: fullKey, Index: index } },
    {
      KV: { Verb: 'lock', Key: fullKey, Value: value.toString('base64'), Flags: flags, Session: sessionId },
    },
  ];
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
  const tokens = new Map<LockEntry, number>();
  let heldBy: LockEntry | undefined;
  for (const [entry, row] of found) {
    if (row === null) continue;
    if (row.session === sessionId && row.flags === entry.flags) tokens.set(entry, row.modifyIndex);
    else if (row.session !== undefined) heldBy ??= entry;
    else if (row.lockIndex === 0) return { kind: 'conflict', fullKey: entry.fullKey };
    else leftBehind.set(entry.fullKey, row.modifyIndex);
  }
  if (tokens.size === unclear.length) {
    for (const [entry, token] of tokens) entry.token = token;
    return { kind: 'taken' };
  }
  if (tokens.size > 0) return { kind: 'torn' };
  return heldBy && { kind: 'held', fullKey: heldBy.fullKey };
}

/** The entries as they stand in Consul, read consistently. */
async function readEntries(
  gate: ConsulGate,
  entries: readonly LockEntry[],
  limits: CallLimits,
): Promise<(readonly [LockEntry, KvEntry | null])[]> {
  return await Promise.all(
    entries.map(
      async (entry) =>
        [entry, await gate.readKey(entry.fullKey, { ...limits, consistency: 'consistent' })] as const,
    ),
  );
}

/**
 * Whether this row is the lock that we took. A plain write by anybody keeps the session and sets `LockIndex` to 0; the
 * same session's next holder has other flags.
 */
function isOurs(row: KvEntry | null, entry: LockEntry, sessionId: string): row is KvEntry {
  return (
    row?.session === sessionId &&
    (row.modifyIndex === entry.token ||
      row.flags === entry.flags ||
      entry.pendingFlags.has(row.flags) ||
      row.lockIndex === 0)
  );
}

/** Asks Consul, consistently, whether every key is still ours. */
export async function checkEntries(
  gate: ConsulGate,
  sessionId: string,
  entries: readonly LockEntry[],
  limits: CallLimits,
): Promise<'ours' | LossReason> {
  const found = await readEntries(gate, entries, limits);
  const lost = found.find(([entry, row]) => !isOurs(row, entry, sessionId));
  if (lost) return await reasonOfLoss(gate, sessionId, lost[1], limits);
  for (const [entry, row] of found) {
    if (row !== null && entry.pendingFlags.has(row.flags)) {
      entry.token = row.modifyIndex;
      entry.flags = row.flags;
      entry.value = row.value ?? Buffer.alloc(0);
      entry.pendingFlags.clear();
    }
  }
  return 'ours';
}

async function reasonOfLoss(
  gate: ConsulGate,
  sessionId: string,
  row: KvEntry | null,
  limits: CallLimits,
): Promise<LossReason> {
  if ((await gate.readSession(sessionId, 'consistent', limits)) === null) return 'session-invalidated';
  return row === null ? 'key-deleted' : 'taken';
}

/**
 * Gives back every key that is still ours, and says how another was lost, if one was. Guarded by session and index, so that it
 * never removes the next holder's entry, however late it arrives.
 */
export async function giveBackEntries(
  gate: ConsulGate,
  sessionId: string,
  entries: readonly LockEntry[],
  behavior: LockBehavior,
  limits: CallLimits,
): Promise<'given-back' | LossReason> {
  let owned: OwnedRow[] = entries.map((entry) => ({
    fullKey: entry.fullKey,
    modifyIndex: entry.token,
    lockIndex: 1,
    value: entry.value,
    flags: entry.flags,
  }));
  if (await giveBackAtOnce(gate, sessionId, owned, behavior, limits)) return 'given-back';
  let answer: 'given-back' | LossReason = 'given-back';
  for (let round = 0; round < 3; round++) {
    const found = await readEntries(gate, entries, limits);
    owned = found.flatMap(([entry, row]) => (isOurs(row, entry, sessionId) ? [{ ...entry, ...row }] : []));
    const lost = found.find(([entry, row]) => !isOurs(row, entry, sessionId));
    if (round === 0 && lost) answer = await reasonOfLoss(gate, sessionId, lost[1], limits);
    if (owned.length === 0) return answer;
    for (const row of owned) await giveBackAtOnce(gate, sessionId, [row], behavior, limits);
  }
  throw gate.unexpected('transaction', 'the keys are being rewritten all the time');
}

type OwnedRow = Pick<KvEntry, 'modifyIndex' | 'lockIndex' | 'value' | 'flags'> & { readonly fullKey: string };

async function giveBackAtOnce(
  gate: ConsulGate,
  sessionId: string,
  rows: readonly OwnedRow[],
  behavior: LockBehavior,
  limits: CallLimits,
): Promise<boolean> {
  const operations = rows.flatMap((row) => giveBackOperations(row, sessionId, behavior));
  return (await gate.transact(operations, limits)).committed;
}

function giveBackOperations(
  { fullKey: key, modifyIndex, lockIndex, value, flags }: OwnedRow,
  sessionId: string,
  behavior: LockBehavior,
): KvOperation[] {
  const guards = [
    { KV: { Verb: 'check-session', Key: key, Session: sessionId } },
    { KV: { Verb: 'check-index', Key: key, Index: modifyIndex } },
  ];
  if (behavior === 'delete') return [...guards, { KV: { Verb: 'delete', Key: key } }];
  const content = {
    Key: key,
    Value: (value ?? Buffer.alloc(0)).toString('base64'),
    Flags: flags,
    Session: sessionId,
  };
  const unlock = { KV: { Verb: 'unlock', ...content } };
  // A plain write has set LockIndex to 0, and the key would pass for data: unlocked and locked again, it is a lock.
  return lockIndex === 0
    ? [...guards, unlock, { KV: { Verb: 'lock', ...content } }, unlock]
    : [...guards, unlock];
}
