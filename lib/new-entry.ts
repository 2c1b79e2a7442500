import { LockEntry } from './lock-entry.ts';
import { assertKey, fullKeyOf, shown } from './lock-key.ts';
import type { Settings } from './settings.ts';

/** Consul's limit of a value is far above; this bounds what is sent with every attempt. */
const LARGEST_VALUE = 8 * 1_024;

/** The value is made once, so that a repeated attempt is the same attempt. */
export function newEntry(key: string, { lockKeyPattern, generateValue }: Settings): LockEntry {
  const fullKey = fullKeyOf(lockKeyPattern, key);
  assertKey(fullKey, 'key (in lockKeyPattern)');
  const generated: unknown = generateValue(key);
  if (typeof generated !== 'string' && !Buffer.isBuffer(generated)) {
    throw new TypeError(`generateValue: must return a string or a Buffer; got ${shown(generated)}`);
  }
  const value = Buffer.from(generated as string);
  if (value.length > LARGEST_VALUE) {
    throw new RangeError(
      `generateValue: must return at most ${LARGEST_VALUE} bytes; got ${value.length} for '${key}'`,
    );
  }
  return new LockEntry(key, fullKey, value);
}
