import { LockEntry } from './lock-entry.ts';
import { shown } from './lock-key.ts';
import type { LockTerms } from './lock-terms.ts';
import type { Settings } from './settings.ts';

/** Consul's limit of a value is far above; this bounds what is sent with every attempt. */
const LARGEST_VALUE = 8 * 1_024;

/** The entries of one acquisition, one for each key. */
export function newEntries({ keys, fullKeys, settings }: LockTerms): LockEntry[] {
  return keys.map((key, place) => new LockEntry(key, fullKeys[place] as string, newValue(key, settings)));
}

/** The value is made once, so that a repeated attempt is the same attempt. */
function newValue(key: string, { generateValue }: Settings): Buffer {
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
  return value;
}
