import { inspect } from 'node:util';

/** The most keys that one lock may have. */
export const MOST_KEYS = 16;

/** In bytes of UTF-8, and of the whole key in Consul. */
export const LONGEST_KEY = 1_024;

const PLACEHOLDER = '%s';

/** One key, or up to 16 that are taken all or nothing. */
export type KeyOrKeys = string | readonly string[];

/** One key or several, checked and copied; throws `TypeError` or `RangeError`. */
export function checkedKeys(keyOrKeys: unknown): readonly [string, ...string[]] {
  if (!Array.isArray(keyOrKeys)) {
    assertKey(keyOrKeys, 'key');
    return Object.freeze([keyOrKeys] as const);
  }
  const keys = Array.from(keyOrKeys as unknown[], (key, index) => {
    assertKey(key, `key[${index}]`);
    return key;
  });
  const [first, ...others] = keys;
  if (first === undefined) throw new TypeError('key: an array of keys must not be empty; got []');
  if (keys.length > MOST_KEYS) {
    throw new RangeError(`key: at most ${MOST_KEYS} keys can be locked at once; got ${keys.length}`);
  }
  const duplicate = keys.find((key, index) => keys.indexOf(key) !== index);
  if (duplicate !== undefined) {
    throw new TypeError(`key: the keys must differ from one another; got ${shown(duplicate)} twice`);
  }
  return Object.freeze([first, ...others] as const);
}

/** Throws unless Consul stores this key under this very name and finds it again. */
export function assertKey(key: unknown, name: string): asserts key is string {
  if (typeof key !== 'string') throw new TypeError(`${name}: must be a string; got ${shown(key)}`);
  if (key === '') throw new TypeError(`${name}: must not be empty; got ''`);
  assertStorable(key, name, key);
}

/** Throws unless such a key may begin with, or be, `prefix`. */
export function assertPrefix(prefix: string, name: string): void {
  assertStorable(prefix, name, `${prefix}-`);
}

/** Of what is given its length counts, and of the key that stands for it what it is made of. */
function assertStorable(given: string, name: string, key: string): void {
  const length = Buffer.byteLength(given);
  if (length > LONGEST_KEY) {
    throw new RangeError(
      `${name}: must not be longer than ${LONGEST_KEY} bytes; got ${length} bytes: ${shown(given)}`,
    );
  }
  const broken = brokenRule(key);
  if (broken !== undefined) throw new TypeError(`${name}: ${broken}; got ${shown(given)}`);
}

export function assertKeyPattern(pattern: unknown): asserts pattern is string {
  if (typeof pattern !== 'string') {
    throw new TypeError(`lockKeyPattern: must be a string; got ${shown(pattern)}`);
  }
  if (pattern.split(PLACEHOLDER).length !== 2) {
    throw new TypeError(`lockKeyPattern: must contain ${PLACEHOLDER} exactly once; got ${shown(pattern)}`);
  }
  assertKey(fullKeyOf(pattern, 'key'), 'lockKeyPattern');
}

/** The key in Consul: `key` put into the pattern as it is. */
export function fullKeyOf(pattern: string, key: string): string {
  const at = pattern.indexOf(PLACEHOLDER);
  return pattern.slice(0, at) + key + pattern.slice(at + PLACEHOLDER.length);
}

/** The part of a pattern before its key. */
export function prefixOf(pattern: string): string {
  return pattern.slice(0, pattern.indexOf(PLACEHOLDER));
}

/**
 * As much of a prefix as can be asked for: `/v1/kv` takes a `.` or `..` at its end for a step in a path, though a key may
 * begin so, and some versions refuse a space there.
 */
export function readablePrefixOf(prefix: string): string {
  return prefix.replace(/(?<=^|\/)\.{1,2}$/, '').trimEnd();
}

/**
 * Consul's transactions take any key, but its `/v1/kv` redirects or refuses the keys ruled out here (measured on 1.8.7),
 * so that such a lock could be taken and never be read again. Consul 1.22 refuses outer spaces as well.
 */
function brokenRule(key: string): string | undefined {
  if (!key.isWellFormed()) return 'must be well-formed Unicode (no lone surrogates)';
  if (/\p{Cc}/u.test(key)) return 'must not contain control characters';
  if (key.trim() !== key) return 'must not begin or end with white space';
  if (/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(key)) {
    return 'must contain only letters, marks, digits, punctuation, symbols and plain spaces';
  }
  if (key.startsWith('/')) return 'must not begin with "/"';
  if (key.includes('//')) return 'must not contain "//"';
  if (key.split('/').some((segment) => segment === '.' || segment === '..')) {
    return 'must not have "." or ".." as a segment';
  }
  return undefined;
}

/** A value as it stands in a message: on one line, and short. */
export function shown(value: unknown): string {
  const text = inspect(value, { depth: 0, breakLength: Infinity, maxStringLength: 100, maxArrayLength: 5 });
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
