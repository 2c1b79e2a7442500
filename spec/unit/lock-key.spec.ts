import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  assertKey,
  assertKeyPattern,
  checkedKeys,
  fullKeyOf,
  LONGEST_KEY,
  MOST_KEYS,
  prefixOf,
  shown,
} from '../../lib/lock-key.ts';

/** Strings of the pieces that matter, and of any others. */
const strings = fc.oneof(
  // Not by `fc.string({ unit: 'binary' })`, which makes a table of all of Unicode first: more than a second.
  fc
    .array(fc.integer({ min: 0, max: 0x10_ff_ff }), { maxLength: 10 })
    .map((codePoints) => String.fromCodePoint(...codePoints)),
  fc.string({ unit: 'grapheme' }),
  fc
    .array(
      fc.oneof(
        fc.constantFrom(
          '/',
          '.',
          '..',
          '//',
          ' ',
          '%s',
          '%',
          '\0',
          '\n',
          '\u007f',
          '\u0085',
          '\u00a0',
          '\ufeff',
        ),
        fc.constantFrom('a', 'B', '0', '-', '_', 'ö', '😀', '\ud83d', '\ude00', '$&', '?', '#', '\\', '%2f'),
      ),
      { maxLength: 12 },
    )
    .map((pieces) => pieces.join('')),
);

function isTaken(key: unknown): boolean {
  try {
    assertKey(key, 'key');
    return true;
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) return false;
    throw error;
  }
}

/** Whether Consul stores and finds it under this very name, told in other words than in lib/. */
function isSafe(key: string): boolean {
  const forbidden = /(?! )[\p{C}\p{Z}]|^\/|\/\/|(^|\/)\.{1,2}(\/|$)|^\s|\s$/u;
  return key !== '' && !forbidden.test(key) && Buffer.byteLength(key) <= 1_024;
}

describe('assertKey', () => {
  it('takes a key exactly when no part of it is forbidden', () => {
    fc.assert(
      fc.property(strings, (key) => {
        expect(isTaken(key)).toBe(isSafe(key));
      }),
      { numRuns: 500 },
    );
  });

  it('takes only what comes back unchanged from a path and from JSON', () => {
    fc.assert(
      fc.property(strings.filter(isTaken), (key) => {
        const path = `/v1/kv/${key.split('/').map(encodeURIComponent).join('/')}`;
        const url = new URL(path, 'http://localhost');
        expect(url.pathname.slice('/v1/kv/'.length).split('/').map(decodeURIComponent).join('/')).toBe(key);
        expect(JSON.parse(Buffer.from(JSON.stringify(key)).toString())).toBe(key);
      }),
      { numRuns: 250 },
    );
  });

  it('refuses whatever is no string', () => {
    fc.assert(
      fc.property(
        fc.anything().filter((value) => typeof value !== 'string'),
        (key) => {
          expect(() => assertKey(key, 'key')).toThrow(TypeError);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('says which, why and what, on one short line', () => {
    fc.assert(
      fc.property(
        strings.filter((key) => !isTaken(key)),
        (key) => {
          expect(() => assertKey(key, 'key[3]')).toThrow(/^key\[3\]: must .*; got [^\r\n]{0,400}$/);
        },
      ),
    );
  });

  it.each([
    ['a'.repeat(LONGEST_KEY), true],
    ['a'.repeat(LONGEST_KEY + 1), false],
    ['ö'.repeat(LONGEST_KEY / 2), true],
    [`ö${'a'.repeat(LONGEST_KEY - 1)}`, false],
    ['😀'.repeat(LONGEST_KEY / 4), true],
    ['😀'.repeat(LONGEST_KEY / 4) + 'a', false],
  ])('counts bytes, not characters', (key, expected) => {
    expect(isTaken(key)).toBe(expected);
  });

  it.each(['...', 'a/...', '.a', 'a.', '..a', 'a/.b', 'a..b', 'a/', 'a b', '%2e%2e', '-', '0'])(
    'takes %j',
    (key) => {
      expect(isTaken(key)).toBe(true);
    },
  );
});

describe('characters that Consul stores and does not find again', () => {
  it.each(['a\u200bb', 'a\ufeffb', '\uffff', 'a\u2028b', 'a\u00a0b', 'a\u202eb', '\ue000'])(
    'are refused: %j',
    (key) => {
      expect(isTaken(key)).toBe(false);
    },
  );
});

describe('checkedKeys', () => {
  it('gives distinct keys in their order, frozen and copied', () => {
    const some = fc.uniqueArray(strings.filter(isTaken), { minLength: 1, maxLength: MOST_KEYS });
    fc.assert(
      fc.property(some, (keys) => {
        const checked = checkedKeys(keys);
        expect(checked).toEqual(keys);
        expect(checked).not.toBe(keys);
        expect(Object.isFrozen(checked)).toBe(true);
      }),
    );
  });

  it('refuses any duplicate', () => {
    const some = fc.uniqueArray(strings.filter(isTaken), { minLength: 1, maxLength: MOST_KEYS - 1 });
    fc.assert(
      fc.property(some, fc.nat(), (keys, at) => {
        const doubled = [...keys, keys[at % keys.length]];
        expect(() => checkedKeys(doubled)).toThrow(/must differ/);
      }),
    );
  });

  it('makes one key of a string', () => {
    expect(checkedKeys('a')).toEqual(['a']);
  });

  it('tells keys apart that only look alike', () => {
    const keys = ['\u00e9', 'e\u0301', 'A', 'a'];
    expect(checkedKeys(keys)).toEqual(keys);
  });
});

describe('fullKeyOf', () => {
  it('puts the key into the pattern byte for byte', () => {
    const sides = strings.filter((text) => !text.includes('%') && !text.startsWith('s'));
    fc.assert(
      fc.property(sides, strings, sides, (before, key, after) => {
        expect(fullKeyOf(`${before}%s${after}`, key)).toBe(before + key + after);
        expect(prefixOf(`${before}%s${after}`)).toBe(before);
      }),
    );
  });

  it('keeps different keys different', () => {
    fc.assert(
      fc.property(strings, strings, (one, other) => {
        expect(fullKeyOf('a/%s/b', one) === fullKeyOf('a/%s/b', other)).toBe(one === other);
      }),
    );
  });
});

describe('assertKeyPattern', () => {
  it.each(['%s', 'locks/%s', '%s/lock', 'a/%s/b', 'locks-%s', '%%s', 'a%sb'])('takes %j', (pattern) => {
    expect(() => assertKeyPattern(pattern)).not.toThrow();
  });

  it.each(['', 'locks', '%s%s', '%s/%s', '%S', '% s', '/%s', '%s//', '../%s', 'a/./%s', ' %s', '%s\n'])(
    'refuses %j',
    (pattern) => {
      expect(() => assertKeyPattern(pattern)).toThrow(/^lockKeyPattern: must /);
    },
  );
});

describe('shown', () => {
  it('puts any value on one short line', () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }),
        (value) => {
          expect(shown(value).length).toBeLessThanOrEqual(201);
        },
      ),
    );
  });

  it.each([
    ['a', "'a'"],
    ['a\nb', "'a\\nb'"],
    [Number.NaN, 'NaN'],
    [-0, '-0'],
    [{ a: { b: { c: 1 } } }, '{ a: [Object] }'],
    ['x'.repeat(500), `'${'x'.repeat(100)}'... 400 more characters`],
  ])('of %j', (value, expected) => {
    expect(shown(value)).toBe(expected);
  });
});
