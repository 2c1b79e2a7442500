import { ConsulGate } from './consul-gate.ts';
import { assertKey, fullKeyOf } from './lock-key.ts';
import type { Settings } from './settings.ts';

/** A lock under certain settings: what is the same for all of its acquisitions. */
export interface LockTerms {
  readonly settings: Settings;
  /** As they were asked for. */
  readonly keys: readonly string[];
  /** In Consul. */
  readonly fullKeys: readonly string[];
  readonly gate: ConsulGate;
  /** The same for all that ask for the same keys of the same datacenter, in whatever order. */
  readonly name: string;
  /** Sessions of the same terms serve each other's locks. */
  readonly sessionTerms: string;
}

const lastTerms = new WeakMap<Settings, LockTerms>();

/** Made once for each lock and its settings; throws `TypeError` or `RangeError` for a key that does not fit the pattern. */
export function termsOf(settings: Settings, keys: readonly string[]): LockTerms {
  const last = lastTerms.get(settings);
  if (last?.keys === keys) return last;
  const { client, token, dc, requestTimeoutMs } = settings;
  const fullKeys = Object.freeze(keys.map((key) => fullKeyIn(settings, key)));
  const terms: LockTerms = {
    settings,
    keys,
    fullKeys,
    gate: new ConsulGate({ client, token, dc, requestTimeoutMs, keys }),
    name: JSON.stringify([dc, ...(fullKeys.length > 1 ? fullKeys.toSorted() : fullKeys)]),
    sessionTerms: sessionTermsOf(settings),
  };
  lastTerms.set(settings, terms);
  return terms;
}

function fullKeyIn({ lockKeyPattern }: Settings, key: string): string {
  const fullKey = fullKeyOf(lockKeyPattern, key);
  assertKey(fullKey, 'key (in lockKeyPattern)');
  return fullKey;
}

let lastSessionTerms = '';

function sessionTermsOf(settings: Settings): string {
  const { token, dc, lockTimeoutMs, lockDelayMs, sessionName, checks, behavior } = settings;
  const text = JSON.stringify([token, dc, lockTimeoutMs, lockDelayMs, sessionName, checks, behavior]);
  // One string for all that have the same: every lock keeps its own terms, and mostly they are no others.
  if (text !== lastSessionTerms) lastSessionTerms = text;
  return lastSessionTerms;
}
