import type { ConsulGate, CallLimits, KvOperation } from './consul-gate.ts';
import { type KvResult, type Refusal, withoutNames } from './consul-answer.ts';
import { isAmbiguous } from './consul-failure.ts';
import type { ConsulRequestError } from './errors.ts';
import type { LockEntry } from './lock-entry.ts';
import { drawFlags, linksOf } from './lock-flags.ts';
import { shown } from './lock-key.ts';
import { guardsOf } from './ownership.ts';

/** Consul's limit (measured on 1.8.7: 65 are answered with 413). */
const MOST_OPERATIONS = 64;

/** What can be done to the lock's own key without ending the lock. */
const HARMLESS = ['set', 'get', 'get-tree', 'check-index', 'check-session'];

/** Checked copies of a user's operations; throws `TypeError` or `RangeError`. */
export function checkedOperations(
  operations: unknown,
  entries: readonly LockEntry[],
): readonly KvOperation[] {
  if (!Array.isArray(operations) || operations.length === 0) {
    throw new TypeError(
      `operations: must be an array of at least one { KV: { Verb, Key, … } }; got ${shown(operations)}`,
    );
  }
  const most = MOST_OPERATIONS - 2 * entries.length;
  if (operations.length > most) {
    throw new RangeError(
      `operations: must be at most ${most} for a lock of ${entries.length} key(s); got ${operations.length}`,
    );
  }
  return operations.map((operation: unknown, index) => checkedOperation(operation, index, entries));
}

function checkedOperation(operation: unknown, index: number, entries: readonly LockEntry[]): KvOperation {
  const name = `operations[${index}]`;
  const kv = (operation as { KV?: unknown } | null | undefined)?.KV;
  if (typeof kv !== 'object' || kv === null || Object.keys(operation as object).length > 1) {
    throw new TypeError(`${name}: must be { KV: { Verb, Key, … } } alone; got ${shown(operation)}`);
  }
  const { Verb: verb, Key: key, Value: value } = kv as Record<string, unknown>;
  if (typeof verb !== 'string' || verb === '') {
    throw new TypeError(`${name}.KV.Verb: must be a verb of Consul's transactions; got ${shown(verb)}`);
  }
  if (typeof key !== 'string' || (key === '' && !verb.endsWith('-tree'))) {
    throw new TypeError(`${name}.KV.Key: must be a full key; got ${shown(key)}`);
  }
  if (value !== undefined && (typeof value !== 'string' || !isBase64(value))) {
    throw new TypeError(`${name}.KV.Value: must be a string in base64; got ${shown(value)}`);
  }
  for (const field of ['Flags', 'Index'] as const) {
    const number = (kv as KvOperation['KV'])[field];
    if (number !== undefined && !(Number.isSafeInteger(number) && number >= 0)) {
      throw new TypeError(`${name}.KV.${field}: must be an integer from 0 to 2^53 - 1; got ${shown(number)}`);
    }
  }
  const { Session: session } = kv as Record<string, unknown>;
  if (session !== undefined && typeof session !== 'string') {
    throw new TypeError(`${name}.KV.Session: must be the id of a session; got ${shown(session)}`);
  }
  const own = entries.find(({ fullKey }) =>
    verb === 'delete-tree' ? fullKey.startsWith(key) : fullKey === key,
  );
  if (own && !HARMLESS.includes(verb)) {
    throw new TypeError(
      `${name}.KV.Verb: must leave the lock's own key ${own.fullKey} in place (${HARMLESS.join(', ')}); got '${verb}'`,
    );
  }
  return { KV: { ...(kv as KvOperation['KV']) } };
}

function isBase64(text: string): boolean {
  return /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text);
}

export type GuardedOutcome =
  | { readonly kind: 'committed'; readonly results: readonly KvResult[] }
  /** A key of the lock does not stand as this handle last wrote it. */
  | { readonly kind: 'refused' }
  /**
   * Consul looks at lock delays before all else: the lock is lost, or it is still ours and a server that has come back from its
   * log counts the delay anew that a former holder's end once began (measured on 1.8.7).
   */
  | { readonly kind: 'lock-delay'; readonly error: ConsulRequestError };

/**
 * Commits the operations only while every key of the lock stands as this handle last wrote it. An operation refused is
 * `CONSUL_REJECTED`; after an ambiguous answer nothing is sent again.
 *
 * A `set` on the lock's own key becomes a `lock` of the same session: a plain set would turn `LockIndex` to 0, and with
 * behavior 'release' the key would be taken for data ever after.
 */
export async function writeGuarded(
  gate: ConsulGate,
  sessionId: string,
  entries: readonly LockEntry[],
  operations: readonly KvOperation[],
  limits: CallLimits,
): Promise<GuardedOutcome> {
  const guards = entries.flatMap((entry) => guardsOf(entry, sessionId));
  const rewritings: { readonly entry: LockEntry; readonly kv: KvOperation['KV']; readonly flags: number }[] =
    [];
  const sent = operations.map((operation) => {
    const entry = entries.find(({ fullKey }) => operation.KV.Verb === 'set' && fullKey === operation.KV.Key);
    if (!entry) return operation;
    const flags = operation.KV.Flags ?? drawFlags(linksOf(entry.flags));
    const kv = { ...operation.KV, Verb: 'lock', Flags: flags, Session: sessionId };
    rewritings.push({ entry, kv, flags });
    entry.announceRewriting(flags);
    return { KV: kv };
  });
  let isInDoubt = false;
  try {
    const outcome = await gate.transact([...guards, ...sent], limits);
    if (!outcome.committed) {
      const refusals = outcome.refusals.map(({ opIndex, what }) => ({
        index: opIndex - guards.length,
        what,
      }));
      if (refusals.some(({ index }) => index < 0)) return { kind: 'refused' };
      const reasons = refusals.map(
        ({ index, what }) => `operations[${index}] (${operations[index]?.KV.Verb ?? '?'}): ${what}`,
      );
      const error = gate.refused(reasons, { transient: refusals.every(isByLockDelay) });
      const isOfRewriting = ({ index }: { index: number }): boolean =>
        rewritings.some(({ kv }) => kv === sent[index]?.KV);
      if (refusals.filter(isOfRewriting).some(isByLockDelay)) return { kind: 'lock-delay', error };
      throw error;
    }
    // Every guard yields one row (measured on 1.8.7).
    const results = outcome.results.slice(guards.length);
    for (const { entry, kv, flags } of rewritings) {
      const row = results.findLast(({ KV }) => KV.Key === entry.fullKey && KV.Session === sessionId);
      if (!row) throw gate.unexpected('transaction', `the lock on ${entry.fullKey} is not in it`);
      entry.rewritten({
        modifyIndex: row.KV.ModifyIndex,
        flags,
        value: Buffer.from(kv.Value ?? '', 'base64'),
      });
    }
    return { kind: 'committed', results };
  } catch (error) {
    isInDoubt = isAmbiguous(error);
    throw error;
  } finally {
    if (!isInDoubt) for (const { entry, flags } of rewritings) entry.forgetRewriting(flags);
  }
}

function isByLockDelay({ what }: Pick<Refusal, 'what'>): boolean {
  return withoutNames(what).includes('due to lock delay');
}
