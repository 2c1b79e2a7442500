import { ConsulGate, type KvOperation } from './consul-gate.ts';
import { lockInfoOf, readLockInfo } from './holder.ts';
import type { LockInfo } from './lock-info.ts';
import { assertKey, fullKeyOf, prefixOf, shown } from './lock-key.ts';
import { checkedLockOptions, type LockOptions } from './options.ts';
import { retryTransient } from './retry.ts';
import { resolveSettings, type Settings } from './settings.ts';
import { eitherClock, systemClock } from './clock.ts';

/** Who has a lock, as Consul knows it; null when nobody has it and nothing was left behind. */
export async function inspectLock(key: string, options?: LockOptions): Promise<LockInfo | null> {
  const { gate, fullKey, settings } = gateFor(key, options);
  return await retrying(settings, async () => await readLockInfo(gate, fullKey));
}

/** The locks whose keys begin with `prefix` (a prefix of the key inside the pattern), in the order of their keys. */
export async function listLocks(prefix = '', options?: LockOptions): Promise<LockInfo[]> {
  if (typeof prefix !== 'string') throw new TypeError(`prefix: must be a string; got ${shown(prefix)}`);
  const settings = resolveSettings(checkedLockOptions(options));
  const gate = new ConsulGate({ ...settings, keys: [] });
  const { lockKeyPattern } = settings;
  const ending = lockKeyPattern.slice(prefixOf(lockKeyPattern).length + '%s'.length);
  return await retrying(settings, async () => {
    const [entries, sessions] = await Promise.all([
      gate.readTree(prefixOf(lockKeyPattern) + prefix),
      gate.readSessions(),
    ]);
    return entries
      .filter(({ key }) => key.endsWith(ending))
      .map((entry) => lockInfoOf(entry, entry.session === undefined ? null : sessions.get(entry.session)));
  });
}

/**
 * Frees a lock whoever has it, also a key left behind unlocked; false when there was nothing to free. Its session is
 * ended too when it holds nothing else. A holder that is still at work learns of it by `signal`, `verify` and a refused
 * `transaction`.
 *
 * @param options - `ifSession`: only while this session holds it.
 */
export async function forceRelease(
  key: string,
  { ifSession, ...options }: LockOptions & { ifSession?: string } = {},
): Promise<boolean> {
  if (ifSession !== undefined && (typeof ifSession !== 'string' || ifSession === '')) {
    throw new TypeError(`ifSession: must be the id of a session; got ${shown(ifSession)}`);
  }
  const { gate, fullKey, settings } = gateFor(key, options);
  return await retrying(settings, async () => {
    for (;;) {
      const entry = await gate.readKey(fullKey, { consistency: 'consistent' });
      if (entry === null || (ifSession !== undefined && entry.session !== ifSession)) return false;
      const operations: KvOperation[] = [
        { KV: { Verb: 'check-index', Key: fullKey, Index: entry.modifyIndex } },
        { KV: { Verb: 'delete', Key: fullKey } },
      ];
      // Read and deleted at one index, or read again: never somebody else's lock than the one that was looked at.
      if (!(await gate.transact(operations)).committed) continue;
      if (entry.session !== undefined) await endUnlessInUse(gate, entry.session, settings);
      return true;
    }
  });
}

async function endUnlessInUse(
  gate: ConsulGate,
  session: string,
  { lockKeyPattern }: Settings,
): Promise<void> {
  const others = await gate.readTree(prefixOf(lockKeyPattern));
  if (others.some((entry) => entry.session === session)) return;
  await gate.destroySession(session);
}

function gateFor(
  key: string,
  options: LockOptions | undefined,
): { gate: ConsulGate; fullKey: string; settings: Settings } {
  assertKey(key, 'key');
  const settings = resolveSettings(checkedLockOptions(options));
  return {
    gate: new ConsulGate({ ...settings, keys: [key] }),
    fullKey: fullKeyOf(settings.lockKeyPattern, key),
    settings,
  };
}

async function retrying<T>({ clock, retryTimeoutMs }: Settings, attempt: () => Promise<T>): Promise<T> {
  const either = eitherClock(clock, systemClock);
  const began = either.read();
  return await retryTransient(attempt, {
    clock: either,
    remainingMs: () => retryTimeoutMs - either.elapsedSince(began),
  });
}
