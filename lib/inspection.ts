import type { KvEntry } from './consul-answer.ts';
import { assertListsSessions, secretsOf } from './consul-client.ts';
import { isTransient } from './consul-failure.ts';
import { ConsulGate, type KvOperation } from './consul-gate.ts';
import { lockInfoOf, readLockInfo } from './holder.ts';
import type { LockInfo } from './lock-info.ts';
import { assertKey, assertPrefix, fullKeyOf, prefixOf, readablePrefixOf, shown } from './lock-key.ts';
import { guardsOf, indexGuardOf, wasLock } from './ownership.ts';
import { checkedLockOptions, type LockOptions } from './options.ts';
import { retryWithin } from './retry.ts';
import { resolveSettings, type Settings } from './settings.ts';

/**
 * Who has a lock, as Consul knows it; null when there is nothing under its key. Of the options, those that say which Consul is
 * asked and how, and `lockKeyPattern`, matter.
 */
export async function inspectLock(key: string, options?: LockOptions): Promise<LockInfo | null> {
  const { gate, fullKey, settings } = gateFor(key, options);
  return await retryWithin(settings, async () => await readLockInfo(gate, fullKey));
}

/**
 * The keys of locks that begin with `prefix` (a prefix of the key inside the pattern), in their order, with who has them; data that
 * never was a lock is among them, unlocked. Of the options, those that say which Consul is asked and how, and `lockKeyPattern`,
 * matter. The client must have `session.list`, as the `consul` package has.
 */
export async function listLocks(prefix = '', options?: LockOptions): Promise<LockInfo[]> {
  if (typeof prefix !== 'string') throw new TypeError(`prefix: must be a string; got ${shown(prefix)}`);
  const settings = resolveSettings(checkedLockOptions(options));
  assertListsSessions('consulClient', settings.client);
  const gate = new ConsulGate({ ...settings, keys: [] });
  const { lockKeyPattern } = settings;
  const begin = prefixOf(lockKeyPattern);
  const fullPrefix = begin + prefix;
  assertPrefix(fullPrefix, 'prefix (in lockKeyPattern)');
  const end = lockKeyPattern.slice(begin.length + '%s'.length);
  const shortest = begin.length + Math.max(prefix.length, 1) + end.length;
  return await retryWithin(settings, async () => {
    const [entries, sessions] = await Promise.all([
      gate.readTree(readablePrefixOf(fullPrefix)),
      gate.readSessions(),
    ]);
    return entries
      .filter(({ key }) => key.length >= shortest && key.startsWith(fullPrefix) && key.endsWith(end))
      .map((entry) => lockInfoOf(entry, entry.session === undefined ? null : sessions.get(entry.session)));
  });
}

/**
 * Frees a lock whoever has it, also one left behind unlocked; false when there was nothing to free, or data that never
 * was a lock. Its session is ended too when it holds nothing else; one that was made by another program is left to its TTL
 * where an ACL token is given, because Consul does not tell which keys a token cannot see (without one, where there are ACLs, the
 * agent's default token has to read all keys), and so is one whose holder may
 * have given the lock back in that very moment, because the next lock may be on its way with it. A holder that is still at work learns
 * of it by `signal`, `verify` and a refused `transaction`.
 *
 * @param options - `ifSession`: only while this session holds it. `ifFencingToken`: only while the key is as it was when
 * `LockInfo` told this token.
 */
export async function forceRelease(
  key: string,
  options: LockOptions & { ifSession?: string | undefined; ifFencingToken?: number | undefined } = {},
): Promise<boolean> {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`options: must be an object; got ${shown(options)}`);
  }
  const { ifSession, ifFencingToken, ...lockOptions } = options;
  if (ifSession !== undefined && (typeof ifSession !== 'string' || ifSession === '')) {
    throw new TypeError(`ifSession: must be the id of a session; got ${shown(ifSession)}`);
  }
  if (ifFencingToken !== undefined && !(Number.isSafeInteger(ifFencingToken) && ifFencingToken > 0)) {
    throw new TypeError(
      `ifFencingToken: must be a fencing token, an integer > 0; got ${shown(ifFencingToken)}`,
    );
  }
  const { gate, fullKey, settings } = gateFor(key, lockOptions);
  const seesAll = settings.token === undefined && secretsOf(settings.client).every((secret) => !secret);
  for (let round = 0; round < 10; round++) {
    const entry = await retryWithin(
      settings,
      async () => await gate.readKey(fullKey, { consistency: 'consistent' }),
    );
    const isLock = entry !== null && (entry.session !== undefined || wasLock(entry));
    if (!isLock || (ifSession !== undefined && entry.session !== ifSession)) return false;
    if (ifFencingToken !== undefined && entry.modifyIndex !== ifFencingToken) return false;
    const outcome = await deleteAsSeen(gate, settings, entry);
    if (outcome === 'rewritten') continue;
    const { session } = entry;
    // Of one whose holder has given the lock back itself, the next lock may be on its way already.
    if (outcome === 'deleted' && session !== undefined) {
      await retryWithin(settings, async () => await endUnlessInUse(gate, session, seesAll));
    }
    return true;
  }
  throw gate.unexpected('transaction', `${fullKey} is being rewritten all the time`);
}

/**
 * Deletes the very entry that was looked at, and no later one. `gone`: somebody else has done so, or we have by an attempt whose
 * answer never came; whoever has the key now was not looked at.
 */
async function deleteAsSeen(
  gate: ConsulGate,
  settings: Settings,
  { key, session, modifyIndex }: KvEntry,
): Promise<'deleted' | 'gone' | 'rewritten'> {
  const seen = { fullKey: key, token: modifyIndex };
  const guards = session === undefined ? [indexGuardOf(seen)] : guardsOf(seen, session);
  const operations: KvOperation[] = [...guards, { KV: { Verb: 'delete', Key: key } }];
  let attempts = 0;
  return await retryWithin(settings, async () => {
    attempts++;
    if ((await gate.transact(operations)).committed) return 'deleted';
    const now = await gate.readKey(key, { consistency: 'consistent' });
    if (now === null) return 'gone';
    return now.session !== session && (session !== undefined || attempts > 1) ? 'gone' : 'rewritten';
  });
}

/**
 * Wherever in the key space it may hold something. Without the right to read a key, Consul leaves it out of the answer in
 * silence (measured on 1.8.7): then only a session of this library is ended, which holds what one lock has, in one place.
 */
async function endUnlessInUse(gate: ConsulGate, session: string, seesAll: boolean): Promise<void> {
  try {
    if (!seesAll && (await gate.readSession(session, 'consistent'))?.isLikeOurs !== true) return;
    const entries = await gate.readTree('');
    if (entries.some((entry) => entry.session === session)) return;
    await gate.destroySession(session);
  } catch (error) {
    if (isTransient(error)) throw error;
  }
}

function gateFor(
  key: string,
  options: LockOptions | undefined,
): { gate: ConsulGate; fullKey: string; settings: Settings } {
  assertKey(key, 'key');
  const settings = resolveSettings(checkedLockOptions(options));
  const fullKey = fullKeyOf(settings.lockKeyPattern, key);
  assertKey(fullKey, 'key (in lockKeyPattern)');
  return { gate: new ConsulGate({ ...settings, keys: [key] }), fullKey, settings };
}
