import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  configure,
  defaults,
  EphemeralLock,
  forceRelease,
  inspectLock,
  listLocks,
  type LockHandle,
  type LockOptions,
  resetDefaults,
  shutdown,
} from '../../lib/index.ts';
import { FakeConsul } from '../../lib/testing/index.ts';
import { failureOf } from '../support/failure-of.ts';
import { refusalOf, refused, type Refused } from '../support/refusal.ts';
import { SilentClient } from '../support/silent-client.ts';

const TOKEN = 'c0ffee00-5ec7-e700-0000-000000000000';
const SESSION = '11111111-2222-3333-4444-555555555555';

let client: SilentClient;

beforeEach(() => {
  client = new SilentClient();
});

afterEach(() => {
  resetDefaults();
});

/** As a program in JavaScript would pass it. */
function untyped<T>(value: unknown): T {
  return value as T;
}

const WRONG_KEYS: readonly (readonly [what: string, key: unknown, Refused])[] = [
  ['no key', undefined, { error: TypeError, option: 'key', rule: 'must be a string', got: 'undefined' }],
  ['null', null, { error: TypeError, option: 'key', rule: 'must be a string', got: 'null' }],
  ['a number', 7, { error: TypeError, option: 'key', rule: 'must be a string', got: '7' }],
  [
    'a String object',
    new String('key'),
    { error: TypeError, option: 'key', rule: 'must be a string', got: "[String: 'key']" },
  ],
  [
    'a set of keys',
    new Set(['a']),
    { error: TypeError, option: 'key', rule: 'must be a string', got: 'Set(1)' },
  ],
  ['an empty key', '', { error: TypeError, option: 'key', rule: 'must not be empty', got: "''" }],
  ...['..', '.', 'a/../b', 'a/./b', '../a', 'a/..', './a', 'a/.'].map(
    (key) =>
      [
        `the segment of "${key}"`,
        key,
        { error: TypeError, option: 'key', rule: '"." or ".." as a segment', got: `'${key}'` },
      ] as const,
  ),
  ...['a//b', 'a//', 'a///b'].map(
    (key) =>
      [
        `the double slash of "${key}"`,
        key,
        { error: TypeError, option: 'key', rule: 'must not contain "//"', got: `'${key}'` },
      ] as const,
  ),
  ...['/', '/a', '//a'].map(
    (key) =>
      [
        `the leading slash of "${key}"`,
        key,
        { error: TypeError, option: 'key', rule: 'must not begin with "/"', got: `'${key}'` },
      ] as const,
  ),
  ...['\0', 'a\nb', 'a\r\n', '\ta', 'a\u007f', 'a\u0085b', '\u009f'].map(
    (key) =>
      [
        `the control character of ${JSON.stringify(key)}`,
        key,
        { error: TypeError, option: 'key', rule: 'must not contain control characters', got: "'" },
      ] as const,
  ),
  ...['\ud800', 'a\udc00', '\udfff\ud800', 'a\ud83d/b'].map(
    (key) =>
      [
        `the lone surrogate of ${JSON.stringify(key)}`,
        key,
        { error: TypeError, option: 'key', rule: 'must be well-formed Unicode', got: "'" },
      ] as const,
  ),
  ...[' a', 'a ', ' ', '\u00a0a', 'a\u3000', '\ufeffa'].map(
    (key) =>
      [
        `the outer space of ${JSON.stringify(key)}`,
        key,
        { error: TypeError, option: 'key', rule: 'must not begin or end with white space', got: "'" },
      ] as const,
  ),
  [
    '1 025 bytes',
    'k'.repeat(1_025),
    { error: RangeError, option: 'key', rule: 'must not be longer than 1024 bytes', got: '1025 bytes' },
  ],
  [
    '513 characters of two bytes each',
    'ö'.repeat(513),
    { error: RangeError, option: 'key', rule: 'must not be longer than 1024 bytes', got: '1026 bytes' },
  ],
];

const WRONG_ARRAYS: readonly (readonly [what: string, keys: unknown, Refused])[] = [
  ['an empty array', [], { error: TypeError, option: 'key', rule: 'must not be empty', got: '[]' }],
  [
    '17 keys',
    Array.from({ length: 17 }, (_, index) => `key-${index}`),
    { error: RangeError, option: 'key', rule: 'at most 16 keys', got: '17' },
  ],
  [
    'one key twice',
    ['a', 'b', 'a'],
    { error: TypeError, option: 'key', rule: 'must differ', got: "'a' twice" },
  ],
  [
    'a wrong key among others',
    ['a', 'b/../c'],
    { error: TypeError, option: 'key[1]', rule: 'as a segment', got: "'b/../c'" },
  ],
  [
    'a hole',
    // oxlint-disable-next-line no-sparse-arrays -- the hole is the subject
    ['a', , 'b'],
    { error: TypeError, option: 'key[1]', rule: 'must be a string', got: 'undefined' },
  ],
  [
    'an array in an array',
    [['a']],
    { error: TypeError, option: 'key[0]', rule: 'must be a string', got: "[ 'a' ]" },
  ],
];

describe('a key', () => {
  it.each([...WRONG_KEYS, ...WRONG_ARRAYS])(
    'is refused by the constructor for %s',
    async (_, key, expected) => {
      expect(
        await refusalOf(() => new EphemeralLock(untyped(key), { consulClient: client }), client),
      ).toEqual(refused(expected));
    },
  );

  it.each(WRONG_KEYS)('is refused by inspectLock for %s', async (_, key, expected) => {
    expect(
      await refusalOf(async () => await inspectLock(untyped(key), { consulClient: client }), client),
    ).toEqual(refused(expected));
  });

  it.each(WRONG_KEYS)('is refused by forceRelease for %s', async (_, key, expected) => {
    expect(
      await refusalOf(async () => await forceRelease(untyped(key), { consulClient: client }), client),
    ).toEqual(refused(expected));
  });

  const PATTERNED = [
    ['is too long in its pattern', 'locks/ephemeral/%s', 'k'.repeat(1_020), RangeError, '1024 bytes'],
    ['makes "//" in its pattern', '%s/lock', 'a/', TypeError, '"//"'],
    ['makes "." in its pattern', 'a%s.', 'b/', TypeError, '"." or ".."'],
    ['makes ".." in its pattern', '%s..', 'b/', TypeError, '"." or ".."'],
  ] as const;

  describe.each(PATTERNED)('that %s', (_, lockKeyPattern, key, error, rule) => {
    const expected = refused({ error, option: 'key (in lockKeyPattern)', rule, got: '' });

    it('is refused at the acquisition', async () => {
      const options = { consulClient: client, lockKeyPattern };
      const one = new EphemeralLock(key, options);
      const two = new EphemeralLock(['fine', key], options);
      expect(await refusalOf(async () => await one.acquire(), client)).toEqual(expected);
      expect(await refusalOf(async () => await two.tryAcquire(), client)).toEqual(expected);
      expect(await refusalOf(async () => await one.hold(() => {}), client)).toEqual(expected);
    });

    it('is refused by inspectLock', async () => {
      const inspecting = async (): Promise<unknown> =>
        await inspectLock(key, { consulClient: client, lockKeyPattern });
      expect(await refusalOf(inspecting, client)).toEqual(expected);
    });

    it('is refused by forceRelease', async () => {
      const releasing = async (): Promise<unknown> =>
        await forceRelease(key, { consulClient: client, lockKeyPattern });
      expect(await refusalOf(releasing, client)).toEqual(expected);
    });
  });

  it.each([
    '$&',
    '%s',
    "$`$'$1$$",
    '%%s%s',
    'a b',
    'ü/😀',
    '?a=1#b&c',
    '%2e%2e/x',
    'a/...',
    'a/',
    '{key}',
    '`"\\',
  ])('of %j lands byte for byte in the full key', async (key) => {
    const consulClient = new FakeConsul();
    const handle = await new EphemeralLock(key, { consulClient, lockKeyPattern: 'a/%s.b' }).acquire();
    expect([handle.key, handle.fullKey]).toEqual([key, `a/${key}.b`]);
    expect(consulClient.keys()).toEqual([`a/${key}.b`]);
    await expect(inspectLock(key, { consulClient, lockKeyPattern: 'a/%s.b' })).resolves.toMatchObject({
      fullKey: `a/${key}.b`,
      sessionId: handle.sessionId,
    });
    await expect(handle.release()).resolves.toBe(true);
  });

  it('may have 1 024 bytes in Consul, and there may be 16', async () => {
    const consulClient = new FakeConsul();
    const options = { consulClient, lockKeyPattern: '%s' };
    const keys = Array.from({ length: 16 }, (_, index) => String.fromCharCode(97 + index).repeat(1_024));
    const handle = await new EphemeralLock(keys, options).acquire();
    expect(handle.fullKeys).toEqual(keys);
    await handle.release();
  });

  it('is copied: an array that changes later changes no lock', () => {
    const keys = ['a', 'b'];
    const lock = new EphemeralLock(keys);
    keys.push('c');
    expect(lock.keys).toEqual(['a', 'b']);
    expect(Object.isFrozen(lock.keys)).toBe(true);
  });
});

const DURATIONS = [
  ['acquireTimeoutMs', 0, Number.MAX_SAFE_INTEGER],
  ['lockTimeoutMs', 100, 86_400_000],
  ['minLockTimeoutMs', 100, 86_400_000],
  ['lockDelayMs', 0, 60_000],
  ['requestTimeoutMs', 1, 2 ** 31 - 1],
  ['retryTimeoutMs', 0, 2 ** 31 - 1],
  ['renew.maxHoldMs', 1, Number.MAX_SAFE_INTEGER],
] as const;

const NO_DURATIONS = [Number.NaN, -1, 1.5, 20_000.5, -Infinity] as const;
const NO_NUMBERS = [
  ['10000', "'10000'"],
  ['10s', "'10s'"],
  [null, 'null'],
  [10_000n, '10000n'],
  [true, 'true'],
  [[10_000], '[ 10000 ]'],
  [new Date(0), '1970-01-01T00:00:00.000Z'],
] as const;

interface WrongOption extends Refused {
  readonly options: object;
}

const WRONG_DURATIONS: readonly (readonly [what: string, WrongOption])[] = DURATIONS.flatMap(
  ([option, least, most]) => {
    const tooMuch = option === 'acquireTimeoutMs' ? [most + 1] : [most + 1, Infinity];
    const rule = `must be an integer from ${least} to ${most}`;
    const given = (value: unknown): object =>
      option === 'renew.maxHoldMs' ? { renew: { maxHoldMs: value } } : { [option]: value };
    return [
      ...[...NO_DURATIONS, least - 1, ...tooMuch].map(
        (value) =>
          [
            `${option} of ${value}`,
            { options: given(value), error: RangeError, option, rule, got: `${value}` },
          ] as const,
      ),
      ...NO_NUMBERS.map(
        ([value, shown]) =>
          [
            `${option} of ${shown}`,
            { options: given(value), error: TypeError, option, rule, got: `${shown}` },
          ] as const,
      ),
    ];
  },
);

const logger = { debug: () => {}, warn: () => {} };

const WRONG_OPTIONS: readonly (readonly [what: string, WrongOption])[] = (
  [
    ['consulClient', null, 'must be a Consul client', 'null'],
    ['consulClient', 'http://127.0.0.1:8500', 'must be a Consul client', 'a string'],
    ['consulClient', {}, 'must have the call session.create', 'Object without it'],
    ['lockKeyPattern', 7, 'must be a string', '7'],
    ['lockKeyPattern', /%s/, 'must be a string', '/%s/'],
    ['lockKeyPattern', '', 'must contain %s exactly once', "''"],
    ['lockKeyPattern', 'locks', 'must contain %s exactly once', "'locks'"],
    ['lockKeyPattern', 'locks/%S', 'must contain %s exactly once', "'locks/%S'"],
    ['lockKeyPattern', '%s/%s', 'must contain %s exactly once', "'%s/%s'"],
    ['lockKeyPattern', '/locks/%s', 'must not begin with "/"', ''],
    ['lockKeyPattern', 'locks//%s', 'must not contain "//"', ''],
    ['lockKeyPattern', '../%s', '"." or ".." as a segment', ''],
    ['lockKeyPattern', 'locks/%s ', 'white space', ''],
    ['lockKeyPattern', 'lo\ncks/%s', 'control characters', ''],
    ['generateValue', 'value', 'must be a function', "'value'"],
    ['generateValue', null, 'must be a function', 'null'],
    ['renew', 'yes', 'must be true, false or { maxHoldMs }', "'yes'"],
    ['renew', 60_000, 'must be true, false or { maxHoldMs }', '60000'],
    ['renew', null, 'must be true, false or { maxHoldMs }', 'null'],
    ['renew', [], 'must be true, false or { maxHoldMs }', '[]'],
    ['renew', { maxHoldMs: 1, every: 5 }, 'known names only (maxHoldMs)', '"every"'],
    ['sessionName', 7, 'must be a string', '7'],
    ['sessionName', '', 'must not be empty', "''"],
    ['checks', 'serfHealth', 'must be an array of strings', "'serfHealth'"],
    ['checks', null, 'must be an array of strings', 'null'],
    ['checks', { 0: 'serfHealth' }, 'must be an array of strings', '{'],
    ['behavior', 'remove', "must be 'delete' or 'release'", "'remove'"],
    ['behavior', '', "must be 'delete' or 'release'", "''"],
    ['behavior', true, "must be 'delete' or 'release'", 'true'],
    ['session', 7, 'must be a string', '7'],
    ['session', '', 'must not be empty', "''"],
    ['session', 'mine', 'must be the id of a session', "'mine'"],
    ['session', SESSION.replace('1', 'A'), 'must be the id of a session', ''],
    ['session', { id: SESSION }, 'must be a string', '{'],
    ['token', 7, 'must be a string', 'a number'],
    ['token', null, 'must be a string', 'a'],
    ['token', '', 'not empty', '0 characters'],
    ['token', `${TOKEN}\n`, 'must be printable ASCII without spaces', '37 characters'],
    ['token', `${TOKEN}\r\nX-Evil: 1`, 'must be printable ASCII without spaces', 'characters'],
    ['token', [TOKEN], 'must be a string', 'a'],
    ['dc', 7, 'must be a string', '7'],
    ['dc', '', 'must not be empty', "''"],
    ['logger', null, 'must be a pino logger', 'null'],
    ['logger', () => {}, 'must be a pino logger', '[Function'],
    ['logger', logger, 'must be a pino logger (debug, warn, child)', '{'],
  ] as const
).map(([option, value, rule, got]) => [
  `${option} of ${JSON.stringify(value) ?? 'a function'}`.replaceAll(TOKEN, 'TOKEN'),
  { options: { [option]: value }, error: TypeError, option, rule, got },
]);

const WRONG_INSIDE: readonly (readonly [what: string, WrongOption])[] = [
  [
    'checks with a number',
    {
      options: { checks: ['serfHealth', 7] },
      error: TypeError,
      option: 'checks[1]',
      rule: 'must be a string',
      got: '7',
    },
  ],
  [
    'checks with an empty name',
    {
      options: { checks: [''] },
      error: TypeError,
      option: 'checks[0]',
      rule: 'must not be empty',
      got: "''",
    },
  ],
  [
    'renew without maxHoldMs',
    {
      options: { renew: {} },
      error: TypeError,
      option: 'renew.maxHoldMs',
      rule: 'must be an integer',
      got: 'undefined',
    },
  ],
  [
    'a key pattern of 1 030 bytes',
    {
      options: { lockKeyPattern: `${'p'.repeat(1_028)}%s` },
      error: RangeError,
      option: 'lockKeyPattern',
      rule: '1024 bytes',
      got: 'bytes',
    },
  ],
];

const WRONG = [...WRONG_DURATIONS, ...WRONG_OPTIONS, ...WRONG_INSIDE];

describe('an option', () => {
  it.each(WRONG)('is refused by the constructor at once: %s', async (_, { options, ...expected }) => {
    expect(
      await refusalOf(() => new EphemeralLock('key', { consulClient: client, ...options }), client),
    ).toEqual(refused(expected));
    expect(() => new EphemeralLock('key', { consulClient: client, ...options })).toThrow(expected.error);
  });

  it.each(WRONG)('is refused by configure at once, and nothing is set: %s', async (_, wrong) => {
    const { options, ...expected } = wrong;
    const before = { ...defaults };
    expect(
      await refusalOf(() => configure({ dc: 'elsewhere', consulClient: client, ...options }), client),
    ).toEqual(refused(expected));
    expect(() => configure(options)).toThrow(expected.error);
    expect(defaults).toEqual(before);
  });

  it('set in defaults is refused at the acquisition', async () => {
    for (const [title, { options, ...expected }] of WRONG) {
      const lock = new EphemeralLock('key');
      resetDefaults();
      Object.assign(defaults, { consulClient: client }, options);
      const refusals = [
        await refusalOf(async () => await lock.acquire(), client),
        await refusalOf(async () => await lock.tryAcquire(), client),
      ];
      expect({ title, refusals }).toEqual({ title, refusals: refusals.map(() => refused(expected)) });
    }
  });

  it('is refused by inspectLock, listLocks and forceRelease', async () => {
    for (const [title, { options, ...expected }] of WRONG) {
      const given = { consulClient: client, ...options };
      const refusals = [
        await refusalOf(async () => await inspectLock('key', given), client),
        await refusalOf(async () => await listLocks('', given), client),
        await refusalOf(async () => await forceRelease('key', given), client),
      ];
      expect({ title, refusals }).toEqual({ title, refusals: refusals.map(() => refused(expected)) });
    }
  });

  it('never shows an ACL token in its message', async () => {
    for (const [, { options }] of WRONG) {
      const { message } = await failureOf(() => new EphemeralLock('key', { token: TOKEN, ...options }));
      expect(message).not.toContain(TOKEN);
    }
  });

  it.each([
    ['configure', 'configure', () => configure(untyped({ consulClient: client, lockTimeout: 60_000 }))],
    ['the constructor', 'options', () => new EphemeralLock('key', untyped({ lockTimeout: 60_000 }))],
    [
      'defaults',
      'defaults',
      async () => {
        Object.assign(defaults, { consulClient: client, lockTimeout: 60_000 });
        await new EphemeralLock('key').acquire();
      },
    ],
    [
      'inspectLock',
      'options',
      async () => await inspectLock('key', untyped({ consulClient: client, lockTimeout: 60_000 })),
    ],
    [
      'listLocks',
      'options',
      async () => await listLocks('', untyped({ consulClient: client, lockTimeout: 60_000 })),
    ],
    [
      'forceRelease',
      'options',
      async () => await forceRelease('key', untyped({ consulClient: client, lockTimeout: 60_000 })),
    ],
  ] as const)('of an unknown name is refused by %s', async (_, option, act) => {
    expect(await refusalOf(act, client)).toEqual(
      refused({
        error: TypeError,
        option,
        rule: 'known names only (consulClient, acquireTimeoutMs, lockTimeoutMs',
        got: '"lockTimeout"',
      }),
    );
  });

  it('of a mistyped name is refused without its value, which may be a token', async () => {
    const { message } = await failureOf(() => configure(untyped({ tokne: TOKEN })));
    expect(message).toContain('"tokne"');
    expect(message).not.toContain(TOKEN);
  });

  it.each([
    ['null', null, 'null'],
    ['a string', 'key', "'key'"],
    ['an array', [], '[]'],
    ['a function', () => {}, '[Function'],
  ])('bag that is %s is refused by every door', async (_, options, got) => {
    const bag = untyped<LockOptions>(options);
    const expected = { error: TypeError, rule: 'must be an object', got: `${got}` };
    Object.assign(defaults, { consulClient: client });
    const lock = new EphemeralLock('key');
    expect(await refusalOf(() => configure(bag), client)).toEqual(
      refused({ ...expected, option: 'configure' }),
    );
    expect(await refusalOf(() => new EphemeralLock('key', bag), client)).toEqual(
      refused({ ...expected, option: 'options' }),
    );
    expect(await refusalOf(async () => await inspectLock('key', bag), client)).toEqual(
      refused({ ...expected, option: 'options' }),
    );
    expect(await refusalOf(async () => await listLocks('', bag), client)).toEqual(
      refused({ ...expected, option: 'options' }),
    );
    expect(await refusalOf(async () => await lock.acquire(untyped(bag)), client)).toEqual(
      refused({ ...expected, option: 'options' }),
    );
    expect(await refusalOf(async () => await lock.tryAcquire(untyped(bag)), client)).toEqual(
      refused({ ...expected, option: 'options' }),
    );
    expect(await refusalOf(async () => await lock.hold(() => {}, untyped(bag)), client)).toEqual(
      refused({
        ...expected,
        option: 'options',
      }),
    );
  });

  it('bag may be missing', () => {
    expect(() => configure(untyped(undefined))).not.toThrow();
    expect(() => new EphemeralLock('key', undefined)).not.toThrow();
  });

  it('checks with a hole in it is refused', async () => {
    // oxlint-disable-next-line no-sparse-arrays -- the hole is the subject
    const checks = untyped<string[]>(['serfHealth', , 'mine']);
    expect(await refusalOf(() => new EphemeralLock('key', { checks }), client)).toEqual(
      refused({
        error: TypeError,
        option: 'checks[1]',
        rule: 'must be a string',
        got: 'undefined',
      }),
    );
  });
});

describe('lockTimeoutMs', () => {
  const tooShort = {
    error: RangeError,
    option: 'lockTimeoutMs',
    rule: 'must be an integer from 10000 (minLockTimeoutMs) to 86400000',
    got: '9999',
  };

  it('of 9 999 rejects at the acquisition, for it depends on defaults', async () => {
    const lock = new EphemeralLock('key', { consulClient: client, lockTimeoutMs: 9_999 });
    expect(await refusalOf(async () => await lock.acquire(), client)).toEqual(refused(tooShort));
    expect(await refusalOf(async () => await lock.tryAcquire(), client)).toEqual(refused(tooShort));
    expect(await refusalOf(async () => await lock.hold(() => {}), client)).toEqual(refused(tooShort));
  });

  it('of 9 999 throws at once in configure', async () => {
    expect(await refusalOf(() => configure({ consulClient: client, lockTimeoutMs: 9_999 }), client)).toEqual(
      refused(tooShort),
    );
    expect(() => configure({ lockTimeoutMs: 9_999 })).toThrow(RangeError);
  });

  it('below a minLockTimeoutMs of its own or of defaults rejects', async () => {
    const options = { consulClient: client, lockTimeoutMs: 20_000 };
    const expected = { ...tooShort, rule: '30000 (minLockTimeoutMs)', got: '20000' };
    expect(
      await refusalOf(
        async () => await new EphemeralLock('key', { ...options, minLockTimeoutMs: 30_000 }).acquire(),
        client,
      ),
    ).toEqual(refused(expected));
    const lock = new EphemeralLock('key', options);
    configure({ minLockTimeoutMs: 30_000 });
    expect(await refusalOf(async () => await lock.acquire(), client)).toEqual(refused(expected));
  });

  it('of 9 999 is granted together with a lower minLockTimeoutMs', async () => {
    const consulClient = new FakeConsul({ sessionTtlMinMs: 100 });
    const options = { consulClient, lockTimeoutMs: 9_999, minLockTimeoutMs: 9_999 };
    const handle = await new EphemeralLock('key', options).acquire();
    expect(handle.remainingMs).toBe(9_999);
    await handle.release();
  });

  it('of 86 400 001 throws in the constructor', () => {
    expect(() => new EphemeralLock('key', { lockTimeoutMs: 86_400_001 })).toThrow(RangeError);
    expect(() => new EphemeralLock('key', { lockTimeoutMs: 86_400_000 })).not.toThrow();
  });
});

describe('consulClient', () => {
  const CALLS = [
    'session.create',
    'session.renew',
    'session.destroy',
    'session.info',
    'kv.get',
    'transaction.create',
  ] as const;

  it.each(CALLS)('without %s is refused by its name', async (call) => {
    const [group, method] = call.split('.') as ['session', 'create'];
    const { session, kv, transaction } = client;
    const maimed = { session, kv, transaction };
    Object.assign(maimed, { [group]: { ...client[group], [method]: undefined } });
    expect(
      await refusalOf(() => new EphemeralLock('key', { consulClient: untyped(maimed) }), client),
    ).toEqual(
      refused({
        error: TypeError,
        option: 'consulClient',
        rule: `must have the call ${call}`,
        got: 'Object without it',
      }),
    );
  });

  it.each(['session', 'kv', 'transaction'] as const)(
    'without anything under %s is refused',
    async (group) => {
      const { session, kv, transaction } = client;
      for (const value of [undefined, null, 7]) {
        const consulClient = untyped<SilentClient>({ session, kv, transaction, [group]: value });
        expect(await refusalOf(() => configure({ consulClient }), client)).toEqual(
          refused({
            error: TypeError,
            option: 'consulClient',
            rule: `must have the call ${group}.`,
            got: 'Object without it',
          }),
        );
      }
    },
  );

  it('without a prototype is refused, or taken, like any other', () => {
    const { session, kv, transaction } = client;
    const bare = (properties: object): SilentClient => Object.assign(Object.create(null), properties);
    expect(() => configure({ consulClient: bare({ session, kv }) })).toThrow(/transaction\.create/);
    expect(() => configure({ consulClient: bare({ session, kv, transaction }) })).not.toThrow();
  });
});

describe('a call option', () => {
  const lock = (): EphemeralLock => new EphemeralLock('key', { consulClient: client });

  const WRONG_CALLS: readonly (readonly [what: string, WrongOption])[] = [
    ...WRONG_DURATIONS.filter(([, { option }]) => option === 'acquireTimeoutMs'),
    [
      'signal of {}',
      {
        options: { signal: {} },
        error: TypeError,
        option: 'signal',
        rule: 'must be an AbortSignal',
        got: '{}',
      },
    ],
    [
      'signal of null',
      {
        options: { signal: null },
        error: TypeError,
        option: 'signal',
        rule: 'must be an AbortSignal',
        got: 'null',
      },
    ],
    [
      'signal of an AbortController',
      {
        options: { signal: new AbortController() },
        error: TypeError,
        option: 'signal',
        rule: 'must be an AbortSignal',
        got: 'AbortController',
      },
    ],
    ...(
      [
        [1, '1'],
        ['false', "'false'"],
        [null, 'null'],
      ] as const
    ).map(
      ([value, shown]) =>
        [
          `failHard of ${shown}`,
          {
            options: { failHard: value },
            error: TypeError,
            option: 'failHard',
            rule: 'must be a boolean',
            got: `${shown}`,
          },
        ] as const,
    ),
    [
      'a name that it does not have',
      {
        options: { timeoutMs: 5 },
        error: TypeError,
        option: 'options',
        rule: 'known names only (signal, acquireTimeoutMs, failHard)',
        got: '"timeoutMs"',
      },
    ],
    [
      'a name that only the constructor has',
      {
        options: { lockTimeoutMs: 20_000 },
        error: TypeError,
        option: 'options',
        rule: 'known names only (signal, acquireTimeoutMs, failHard)',
        got: '"lockTimeoutMs"',
      },
    ],
  ];

  it.each(WRONG_CALLS)('is refused by acquire, tryAcquire and hold: %s', async (_, wrong) => {
    const { options, ...expected } = wrong;
    let hasRun = false;
    expect(await refusalOf(async () => await lock().acquire(options), client)).toEqual(refused(expected));
    expect(await refusalOf(async () => await lock().tryAcquire(options), client)).toEqual(refused(expected));
    expect(await refusalOf(async () => await lock().hold(() => (hasRun = true), options), client)).toEqual(
      refused(expected),
    );
    expect(hasRun).toBe(false);
  });

  it('is refused by a promise, not by a throw', async () => {
    const acquiring = lock().acquire(untyped({ nonsense: 1 }));
    const trying = lock().tryAcquire(untyped({ nonsense: 1 }));
    const holding = lock().hold(untyped(7));
    await expect(acquiring).rejects.toThrow(TypeError);
    await expect(trying).rejects.toThrow(TypeError);
    await expect(holding).rejects.toThrow(TypeError);
  });

  it('failHard: false is refused by hold, which never skips its function', async () => {
    expect(await refusalOf(async () => await lock().hold(() => {}, { failHard: false }), client)).toEqual(
      refused({
        error: TypeError,
        option: 'failHard',
        rule: 'must not be false for hold',
        got: 'false',
      }),
    );
  });

  it('failHard: true is refused by tryAcquire, which resolves to null', async () => {
    expect(await refusalOf(async () => await lock().tryAcquire({ failHard: true }), client)).toEqual(
      refused({
        error: TypeError,
        option: 'failHard',
        rule: 'must not be true for tryAcquire',
        got: 'true',
      }),
    );
  });

  it.each([
    ['undefined', undefined],
    ['null', null],
    ["'work'", 'work'],
    ['{}', {}],
    ['Promise {', Promise.resolve()],
  ])('fn of %s is refused by hold', async (shown, fn) => {
    expect(await refusalOf(async () => await lock().hold(untyped(fn)), client)).toEqual(
      refused({
        error: TypeError,
        option: 'fn',
        rule: 'must be a function',
        got: `${shown}`,
      }),
    );
  });
});

describe('generateValue', () => {
  const acquire = async (value: unknown): Promise<unknown> =>
    await new EphemeralLock(['a', 'b'], {
      consulClient: client,
      generateValue: untyped(() => value),
    }).acquire();

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['7', 7],
    ['{ a: 1 }', { a: 1 }],
    ['Uint8Array(1)', new Uint8Array(1)],
    ['Promise', Promise.resolve('value')],
  ])('that returns %s rejects', async (shown, value) => {
    expect(await refusalOf(async () => await acquire(value), client)).toEqual(
      refused({
        error: TypeError,
        option: 'generateValue',
        rule: 'must return a string or a Buffer',
        got: `${shown}`,
      }),
    );
  });

  it.each([
    ['8 193 bytes', Buffer.alloc(8_193), '8193'],
    ['8 193 bytes of text in 8 192 characters', `ö${'a'.repeat(8_191)}`, '8193'],
  ])('that returns %s rejects, without showing them', async (_, value, bytes) => {
    expect(await refusalOf(async () => await acquire(value), client)).toEqual(
      refused({
        error: RangeError,
        option: 'generateValue',
        rule: 'must return at most 8192 bytes',
        got: `${bytes} for 'a'`,
      }),
    );
    expect((await failureOf(async () => await acquire(value))).message.length).toBeLessThan(200);
  });

  it.each(['', 'a'.repeat(8_192), Buffer.alloc(0), Buffer.alloc(8_192, 0xff)])(
    'may return up to 8 192 bytes, or none',
    async (value) => {
      const consulClient = new FakeConsul();
      const handle = await new EphemeralLock('key', { consulClient, generateValue: () => value }).acquire();
      const { value: stored } = (await inspectLock('key', { consulClient }))!;
      expect(stored ?? '').toBe(value.toString());
      await handle.release();
    },
  );

  it('that throws rejects with its own error object', async () => {
    const own = Object.assign(new TypeError('no value today'), { mine: true });
    const generateValue = (): never => {
      throw own;
    };
    const lock = new EphemeralLock('key', { consulClient: client, generateValue });
    await expect(lock.acquire()).rejects.toBe(own);
    await expect(lock.tryAcquire()).rejects.toBe(own);
    await expect(lock.hold(() => {})).rejects.toBe(own);
    expect(client.sent).toEqual([]);
  });
});

describe('transaction', () => {
  let handle: LockHandle;
  let consulClient: FakeConsul;
  let keysBefore: number;

  beforeEach(async () => {
    consulClient = new FakeConsul();
    handle = await new EphemeralLock(['a', 'b'], { consulClient }).acquire();
    keysBefore = consulClient.raftIndex;
  });

  afterEach(async () => {
    await handle.release();
  });

  const set = (Key: unknown, Value: unknown = 'dg=='): { KV: object } => ({
    KV: { Verb: 'set', Key, Value },
  });
  const over = (Verb: string, Key = 'locks/ephemeral/b'): unknown[] => [set('x'), { KV: { Verb, Key } }];

  it.each<[string, unknown, typeof TypeError, string, string, string]>([
    ['nothing', undefined, TypeError, 'operations', 'must be an array', 'undefined'],
    ['null', null, TypeError, 'operations', 'must be an array', 'null'],
    ['no array', set('x'), TypeError, 'operations', 'must be an array', '{'],
    ['an empty array', [], TypeError, 'operations', 'at least one', '[]'],
    ['61 operations', Array(61).fill(set('x')), RangeError, 'operations', 'at most 60', '61'],
    ['null in it', [set('x'), null], TypeError, 'operations[1]', 'must be { KV:', 'null'],
    ['a string in it', ['set'], TypeError, 'operations[0]', 'must be { KV:', "'set'"],
    ['another shape', [{ Verb: 'set' }], TypeError, 'operations[0]', 'must be { KV:', '{'],
    ['another endpoint', [{ Node: {} }], TypeError, 'operations[0]', 'must be { KV:', '{'],
    ['KV: null', [{ KV: null }], TypeError, 'operations[0]', 'must be { KV:', '{'],
    ['more than KV', [{ ...set('x'), Node: {} }], TypeError, 'operations[0]', '} alone', '{'],
    [
      'Flags of -1',
      [{ KV: { ...set('x').KV, Flags: -1 } }],
      TypeError,
      'operations[0].KV.Flags',
      'an integer',
      '-1',
    ],
    [
      'an Index of 1.5',
      [{ KV: { ...set('x').KV, Index: 1.5 } }],
      TypeError,
      'operations[0].KV.Index',
      'an integer',
      '1.5',
    ],
    [
      "an Index of '7'",
      [{ KV: { ...set('x').KV, Index: '7' } }],
      TypeError,
      'operations[0].KV.Index',
      'an integer',
      "'7'",
    ],
    [
      'a Session of 7',
      [{ KV: { ...set('x').KV, Session: 7 } }],
      TypeError,
      'operations[0].KV.Session',
      'the id',
      '7',
    ],
    ['no verb', [{ KV: { Key: 'x' } }], TypeError, 'operations[0].KV.Verb', 'a verb', 'undefined'],
    ['an empty verb', [{ KV: { Verb: '', Key: 'x' } }], TypeError, 'operations[0].KV.Verb', 'a verb', "''"],
    ['no key', [set(undefined)], TypeError, 'operations[0].KV.Key', 'must be a full key', 'undefined'],
    ['an empty key', [set('')], TypeError, 'operations[0].KV.Key', 'must be a full key', "''"],
    ['a key of 7', [set(7)], TypeError, 'operations[0].KV.Key', 'must be a full key', '7'],
    ['a value of 7', [set('x', 7)], TypeError, 'operations[0].KV.Value', 'in base64', '7'],
    ['a Buffer', [set('x', Buffer.from('v'))], TypeError, 'operations[0].KV.Value', 'in base64', ''],
    ['plain text', [set('x', 'hello!')], TypeError, 'operations[0].KV.Value', 'in base64', "'hello!'"],
    ['cut base64', [set('x', 'dg=')], TypeError, 'operations[0].KV.Value', 'in base64', "'dg='"],
    ['base64url', [set('x', '-_8=')], TypeError, 'operations[0].KV.Value', 'in base64', "'-_8='"],
    ...['delete', 'delete-cas', 'unlock', 'lock', 'cas', 'check-not-exists'].map(
      (verb): [string, unknown, typeof TypeError, string, string, string] => [
        `${verb} of the lock's own key`,
        over(verb),
        TypeError,
        'operations[1].KV.Verb',
        "must leave the lock's own key locks/ephemeral/b in place",
        `'${verb}'`,
      ],
    ),
    ...['locks/ephemeral/b', 'locks/ephemeral/', 'locks', ''].map(
      (prefix): [string, unknown, typeof TypeError, string, string, string] => [
        `delete-tree of '${prefix}', over the lock's own key`,
        over('delete-tree', prefix),
        TypeError,
        'operations[1].KV.Verb',
        "must leave the lock's own key",
        "'delete-tree'",
      ],
    ),
  ])('refuses %s', async (_, operations, error, option, rule, got) => {
    expect(await refusalOf(async () => await handle.transaction(untyped(operations)), client)).toEqual(
      refused({
        error,
        option,
        rule,
        got,
      }),
    );
    expect(consulClient.raftIndex).toBe(keysBefore);
    expect(handle.isHeld).toBe(true);
  });

  it("takes 60 operations for two keys, a tree beside its own keys, and the lock's own value", async () => {
    await expect(handle.transaction(untyped(Array(60).fill(set('x'))))).resolves.toHaveLength(60);
    await expect(handle.transaction([{ KV: { Verb: 'delete-tree', Key: 'locks/other/' } }])).resolves.toEqual(
      [],
    );
    await expect(handle.transaction(untyped([set('locks/ephemeral/a')]))).resolves.toHaveLength(1);
    expect(handle.isHeld).toBe(true);
  });

  it('copies its operations before anything is sent', async () => {
    const operation = { KV: { Verb: 'set', Key: 'x', Value: 'dg==' } };
    const writing = handle.transaction([operation]);
    operation.KV.Key = 'y';
    await writing;
    expect(consulClient.keys()).toContain('x');
  });
});

describe('forceRelease', () => {
  it.each([
    ['7', 7],
    ['null', null],
    ["''", ''],
    ['{}', {}],
  ])('refuses ifSession of %s', async (shown, ifSession) => {
    expect(
      await refusalOf(
        async () => await forceRelease('key', untyped({ consulClient: client, ifSession })),
        client,
      ),
    ).toEqual(
      refused({
        error: TypeError,
        option: 'ifSession',
        rule: 'must be the id of a session',
        got: `${shown}`,
      }),
    );
  });

  describe.each([
    ['null', null],
    ["'key'", 'key'],
    ['[]', []],
  ])('an option bag that is %s', (shown, options) => {
    it('is refused', async () => {
      configure({ consulClient: client });
      expect(await refusalOf(async () => await forceRelease('key', untyped(options)), client)).toEqual(
        refused({
          error: TypeError,
          option: 'options',
          rule: 'must be an object',
          got: `${shown}`,
        }),
      );
    });
  });
});

describe('inspectLock', () => {
  it('refuses several keys at once', async () => {
    expect(
      await refusalOf(async () => await inspectLock(untyped(['a', 'b']), { consulClient: client }), client),
    ).toEqual(
      refused({
        error: TypeError,
        option: 'key',
        rule: 'must be a string',
        got: "[ 'a', 'b' ]",
      }),
    );
  });
});

describe('listLocks', () => {
  it.each([
    ['7', 7],
    ['null', null],
    ["[ 'a' ]", ['a']],
  ])('refuses the prefix %s', async (shown, prefix) => {
    expect(
      await refusalOf(async () => await listLocks(untyped(prefix), { consulClient: client }), client),
    ).toEqual(
      refused({
        error: TypeError,
        option: 'prefix',
        rule: 'must be a string',
        got: `${shown}`,
      }),
    );
  });

  describe.each(['/a', 'a//', '../', 'a/../b', 'a\n', '\ud800', 'k'.repeat(1_025)])(
    'the prefix %j, with which no key can begin,',
    (prefix) => {
      it('is refused', async () => {
        const listing = async (): Promise<unknown> => await listLocks(prefix, { consulClient: client });
        const error = prefix.length > 1_024 ? RangeError : TypeError;
        expect(await refusalOf(listing, client)).toEqual(
          refused({ error, option: 'prefix (in lockKeyPattern)', rule: 'must', got: '' }),
        );
      });
    },
  );
});

describe('shutdown', () => {
  it.each(NO_DURATIONS)('refuses graceMs of %d', async (graceMs) => {
    expect(await refusalOf(async () => await shutdown({ graceMs }), client)).toEqual(
      refused({
        error: RangeError,
        option: 'graceMs',
        rule: 'must be an integer from 0 to 2147483647',
        got: `${graceMs}`,
      }),
    );
  });

  it.each([
    ['Infinity', Infinity, RangeError],
    ['2147483648', 2 ** 31, RangeError],
    ["'5s'", '5s', TypeError],
    ['null', null, TypeError],
  ] as const)('refuses graceMs of %s', async (shown, graceMs, error) => {
    expect(await refusalOf(async () => await shutdown(untyped({ graceMs })), client)).toEqual(
      refused({
        error,
        option: 'graceMs',
        rule: 'must be',
        got: `${shown}`,
      }),
    );
  });

  describe.each([
    ['null', null],
    ['5000', 5_000],
    ["'now'", 'now'],
  ])('an option bag that is %s', (shown, options) => {
    it('is refused', async () => {
      expect(await refusalOf(async () => await shutdown(untyped(options)), client)).toEqual(
        refused({
          error: TypeError,
          option: 'options',
          rule: 'must be an object',
          got: `${shown}`,
        }),
      );
    });
  });

  it('refuses an option of an unknown name', async () => {
    expect(await refusalOf(async () => await shutdown(untyped({ grace: 5 })), client)).toEqual(
      refused({
        error: TypeError,
        option: 'options',
        rule: 'known names only (graceMs)',
        got: '"grace"',
      }),
    );
  });

  it('that was refused has shut nothing down', async () => {
    await failureOf(async () => await shutdown({ graceMs: -1 }));
    const handle = await new EphemeralLock('key', { consulClient: new FakeConsul() }).acquire();
    await expect(handle.release()).resolves.toBe(true);
  });
});
