import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { hostname } from 'node:os';
import { systemClock } from '../../lib/system-clock.ts';
import { EphemeralLock, inspectLock } from '../../lib/index.ts';
import { checkedAcquireOptions, checkedLockOptions, type LockOptions } from '../../lib/options.ts';
import { configure, defaults, resolveSettings, restoreDefaults, type Settings } from '../../lib/settings.ts';
import { FakeConsul } from '../../lib/testing/index.ts';
import { SilentClient } from '../support/silent-client.ts';

const client = new SilentClient();

beforeEach(() => {
  configure({ consulClient: client });
});

afterEach(() => {
  restoreDefaults();
});

const resolved = (options?: LockOptions): Settings => resolveSettings(checkedLockOptions(options));

const BUILT_IN = {
  acquireTimeoutMs: 0,
  lockTimeoutMs: 180_000,
  lockKeyPattern: 'locks/ephemeral/%s',
  lockDelayMs: 0,
  sessionName: 'consul-lock',
  checks: [],
  behavior: 'delete',
  session: undefined,
  token: undefined,
  dc: undefined,
  requestTimeoutMs: 10_000,
  retryTimeoutMs: 2_000,
  logger: undefined,
};

const logger = { debug: () => {}, warn: () => {}, child: () => logger } as never;

/** For each option, three values that differ from the built-in one and from each other. */
const LAYERS: readonly (readonly [keyof LockOptions, unknown, unknown, unknown])[] = [
  ['acquireTimeoutMs', 1, 2, Infinity],
  ['lockTimeoutMs', 10_001, 10_002, 86_400_000],
  ['lockKeyPattern', 'a/%s', 'b/%s', '%s/c'],
  ['generateValue', () => 'a', () => 'b', () => 'c'],
  ['lockDelayMs', 1, 2, 60_000],
  ['sessionName', 'a', 'b', 'c'],
  ['checks', ['a'], ['b'], []],
  ['behavior', 'release', 'delete', 'release'],
  [
    'session',
    '11111111-1111-1111-1111-111111111111',
    '22222222-2222-2222-2222-222222222222',
    '33333333-3333-3333-3333-333333333333',
  ],
  ['token', 'a', 'b', 'c'],
  ['dc', 'a', 'b', 'c'],
  ['requestTimeoutMs', 1, 2, 2 ** 31 - 1],
  ['retryTimeoutMs', 1, 2, 0],
];

describe('resolveSettings', () => {
  it('gives the built-in values when nothing was said', () => {
    expect(resolved()).toMatchObject({
      ...BUILT_IN,
      client,
      clock: systemClock,
      renews: false,
      maxHoldMs: Infinity,
      generateValue: expect.any(Function),
    });
  });

  it.each(LAYERS)(
    'takes %s from defaults, and from the options before them',
    (option, first, second, third) => {
      configure({ [option]: first });
      expect(resolved()[option as 'dc']).toEqual(first);
      expect(resolved({ [option]: second })[option as 'dc']).toEqual(second);
      Object.assign(defaults, { [option]: third });
      expect(resolved()[option as 'dc']).toEqual(third);
      expect(resolved({ [option]: second })[option as 'dc']).toEqual(second);
    },
  );

  it('takes the logger from defaults, and from the options before them', () => {
    const heard: string[] = [];
    const named = (name: string): never => ({ ...(logger as object), warn: () => heard.push(name) }) as never;
    configure({ logger: named('configured') });
    resolved().logger?.warn({}, '');
    resolved({ logger: named('given') }).logger?.warn({}, '');
    defaults.logger = named('default');
    resolved().logger?.warn({}, '');
    resolved({ logger: undefined }).logger?.warn({}, '');
    expect(heard).toEqual(['configured', 'given', 'default', 'default']);
  });

  it.each(LAYERS)('takes an undefined %s for not given, in every layer', (option, first) => {
    const builtIn = resolved()[option as 'dc'];
    configure({ [option]: first });
    expect(resolved({ [option]: undefined })[option as 'dc']).toEqual(first);
    configure({ [option]: undefined });
    expect(resolved()[option as 'dc']).toEqual(first);
    defaults[option] = undefined;
    expect(resolved()[option as 'dc']).toEqual(builtIn);
  });

  it.each(LAYERS)('gives the built-in %s when it was deleted from defaults', (option, first) => {
    const builtIn = resolved()[option as 'dc'];
    configure({ [option]: first });
    delete defaults[option];
    expect(resolved()[option as 'dc']).toEqual(builtIn);
  });

  it('takes the client of the options before the one of defaults', () => {
    const other = new SilentClient();
    expect(resolved({ consulClient: other }).client).toBe(other);
    expect(resolved().client).toBe(client);
  });

  it.each([
    [false, { renews: false, maxHoldMs: Infinity }],
    [true, { renews: true, maxHoldMs: Infinity }],
    [{ maxHoldMs: 5_000 }, { renews: true, maxHoldMs: 5_000 }],
  ])('resolves renew of %j', (renew, expected) => {
    expect(resolved({ renew })).toMatchObject(expected);
    configure({ renew });
    expect(resolved()).toMatchObject(expected);
  });

  it('lets renew: false of a lock win over true in defaults', () => {
    configure({ renew: { maxHoldMs: 5_000 } });
    expect(resolved({ renew: false })).toMatchObject({ renews: false, maxHoldMs: Infinity });
    expect(resolved({ renew: true })).toMatchObject({ renews: true, maxHoldMs: Infinity });
  });

  it('is frozen, with all that is in it', () => {
    const settings = resolved({ checks: ['serfHealth'], renew: { maxHoldMs: 1 } });
    expect(Object.isFrozen(settings)).toBe(true);
    expect(Object.isFrozen(settings.checks)).toBe(true);
    expect(Object.isFrozen(resolved().checks)).toBe(true);
    configure({ checks: ['serfHealth'] });
    expect(Object.isFrozen(resolved().checks)).toBe(true);
  });

  it('stays as it is when defaults change', () => {
    const settings = resolved();
    configure({ dc: 'elsewhere' });
    expect(settings.dc).toBeUndefined();
    expect(resolved().dc).toBe('elsewhere');
  });

  it('counts by the clock of a client that has one', () => {
    const fake = new FakeConsul({ now: 5 });
    expect(resolved({ consulClient: fake }).clock.read()).toEqual({ monotonicMs: 5, wallMs: 5 });
  });

  it('uses one client from the environment for all, until the defaults are restored', () => {
    defaults.consulClient = undefined;
    const first = resolved().client;
    expect(resolved().client).toBe(first);
    restoreDefaults();
    expect(resolved().client).not.toBe(first);
  });

  it('reads the environment only when no client was given', () => {
    const before = process.env['CONSUL_HTTP_ADDR'];
    process.env['CONSUL_HTTP_ADDR'] = 'nonsense://';
    try {
      expect(resolved().client).toBe(client);
      defaults.consulClient = undefined;
      expect(() => resolved()).toThrow('CONSUL_HTTP_ADDR');
    } finally {
      if (before === undefined) delete process.env['CONSUL_HTTP_ADDR'];
      else process.env['CONSUL_HTTP_ADDR'] = before;
    }
  });
});

describe('the built-in generateValue', () => {
  it('describes the holder in JSON, anew each time', () => {
    const { generateValue } = resolved();
    const [first, second] = [generateValue('a'), generateValue('a')].map((value) =>
      JSON.parse(value as string),
    );
    expect(Object.keys(first)).toEqual(['locked_at', 'hostname', 'pid', 'lock_id']);
    expect(first).toMatchObject({ hostname: hostname(), pid: process.pid });
    expect(Math.abs(Date.parse(first.locked_at) - Date.now())).toBeLessThan(5_000);
    expect(first.lock_id).not.toBe(second.lock_id);
  });
});

describe('checkedLockOptions', () => {
  it('copies what it was given: changing that later changes nothing', () => {
    const options = { dc: 'here', checks: ['a'], renew: { maxHoldMs: 5 } };
    const given = checkedLockOptions(options);
    options.dc = 'there';
    options.checks.push('b');
    options.renew.maxHoldMs = 6;
    expect(given).toEqual({ dc: 'here', checks: ['a'], renew: { maxHoldMs: 5 } });
  });

  it('is frozen, and leaves what it was given as it is', () => {
    const options = { checks: ['a'], renew: { maxHoldMs: 5 } };
    const given = checkedLockOptions(options);
    expect([given, given.checks, given.renew].every((value) => Object.isFrozen(value))).toBe(true);
    expect([options, options.checks, options.renew].some((value) => Object.isFrozen(value))).toBe(false);
  });

  it('leaves out what is undefined', () => {
    expect(Object.keys(checkedLockOptions({ dc: undefined, token: 'x' }))).toEqual(['token']);
    expect(Object.keys(checkedAcquireOptions({ signal: undefined, failHard: false }))).toEqual(['failHard']);
  });

  it('reads each option once, so that what was checked is what counts', () => {
    let readings = 0;
    const options = {
      get lockDelayMs(): number {
        return ++readings === 1 ? 5 : -5;
      },
    };
    expect(checkedLockOptions(options)).toEqual({ lockDelayMs: 5 });
  });
});

describe('configure', () => {
  it('sets defaults', () => {
    configure({ lockTimeoutMs: 20_000, dc: 'here' });
    expect(defaults).toMatchObject({ lockTimeoutMs: 20_000, dc: 'here', lockDelayMs: 0 });
  });

  it('sets all or nothing', () => {
    const before = { ...defaults };
    expect(() => configure({ dc: 'here', lockDelayMs: 5, lockTimeoutMs: 1 })).toThrow(RangeError);
    expect(() => configure({ dc: 'here', lockTimeoutMs: 20_000, minLockTimeoutMs: 30_000 })).toThrow(
      RangeError,
    );
    expect(() => configure({ dc: 'here', nonsense: 1 } as LockOptions)).toThrow(TypeError);
    expect(defaults).toEqual(before);
  });

  it('checks the relation to what was configured before', () => {
    configure({ minLockTimeoutMs: 60_000 });
    expect(() => configure({ lockTimeoutMs: 59_999 })).toThrow(RangeError);
    configure({ lockTimeoutMs: 60_000 });
    expect(() => configure({ minLockTimeoutMs: 60_001 })).toThrow(RangeError);
    expect(resolved().lockTimeoutMs).toBe(60_000);
  });

  it('is not changed by what happens later to what it was given', () => {
    const options = { checks: ['a'], renew: { maxHoldMs: 5_000 }, dc: 'here' };
    configure(options);
    options.checks.push('b');
    options.renew.maxHoldMs = 6;
    options.dc = 'there';
    expect(resolved()).toMatchObject({ checks: ['a'], maxHoldMs: 5_000, dc: 'here' });
  });

  it('adds to what was configured before', () => {
    configure({ dc: 'here' });
    configure({ token: 'x' });
    expect(resolved()).toMatchObject({ dc: 'here', token: 'x', client });
  });
});

describe('restoreDefaults', () => {
  it('puts every built-in value back, and takes away what never was an option', () => {
    const { consulClient: _, ...before } = defaults;
    configure({ lockTimeoutMs: 20_000, checks: ['a'], renew: true, behavior: 'release' });
    delete defaults.lockDelayMs;
    Object.assign(defaults, { nonsense: 1 });
    restoreDefaults();
    expect(defaults).toEqual({ ...before, consulClient: undefined });
  });

  it('keeps the exported object the same', () => {
    const before = defaults;
    restoreDefaults();
    expect(defaults).toBe(before);
  });
});

describe('a lock', () => {
  it('made before configure() uses the configured client and pattern', async () => {
    const consulClient = new FakeConsul();
    const lock = new EphemeralLock('key');
    configure({ consulClient, lockKeyPattern: 'early/%s' });
    const handle = await lock.acquire();
    expect(consulClient.keys()).toEqual(['early/key']);
    await handle.release();
  });

  it('follows defaults at each acquisition anew', async () => {
    const [first, second] = [new FakeConsul(), new FakeConsul()];
    const lock = new EphemeralLock('key');
    defaults.consulClient = first;
    const one = await lock.acquire();
    defaults.consulClient = second;
    const two = await lock.acquire();
    expect([first.keys(), second.keys()]).toEqual([['locks/ephemeral/key'], ['locks/ephemeral/key']]);
    await one.release();
    expect([first.keys(), second.keys()]).toEqual([[], ['locks/ephemeral/key']]);
    await two.release();
  });

  it('is not changed by what happens later to its options', async () => {
    const consulClient = new FakeConsul();
    const options = { consulClient, lockKeyPattern: 'before/%s', lockTimeoutMs: 20_000 };
    const lock = new EphemeralLock('key', options);
    Object.assign(options, { lockKeyPattern: 'after/%s', lockTimeoutMs: 30_000, nonsense: true });
    const handle = await lock.acquire();
    expect([handle.fullKey, handle.remainingMs]).toEqual(['before/key', 20_000]);
    await handle.release();
  });

  it('takes acquireTimeoutMs from the call before the constructor before defaults', async () => {
    const consulClient = new FakeConsul();
    const holding = await new EphemeralLock('key', { consulClient }).acquire();
    const refusal = async (constructed?: number, called?: number): Promise<string> => {
      const lock = new EphemeralLock('key', { consulClient, acquireTimeoutMs: constructed });
      const error = await lock.acquire({ acquireTimeoutMs: called }).catch((reason: Error) => reason);
      return (error as Error).message;
    };
    configure({ acquireTimeoutMs: 1 });
    await expect(refusal()).resolves.toContain('within 1 ms');
    await expect(refusal(2)).resolves.toContain('within 2 ms');
    await expect(refusal(2, 3)).resolves.toContain('within 3 ms');
    await expect(refusal(2, 0)).resolves.toContain('within 0 ms');
    await holding.release();
  });

  it('has keys that nobody can change', () => {
    const lock = new EphemeralLock(['a', 'b']);
    expect(() => Object.assign(lock, { key: 'c' })).toThrow(TypeError);
    expect(() => Object.assign(lock, { keys: ['c'] })).toThrow(TypeError);
    expect(() => Object.assign(lock.keys, ['c'])).toThrow(TypeError);
    expect([lock.key, lock.keys]).toEqual(['a', ['a', 'b']]);
  });
});

describe('the value that is written by default', () => {
  it('tells when it was made, as ISO 8601 with milliseconds', () => {
    const now = jest.spyOn(Date, 'now');
    const { generateValue } = resolved();
    const times = [
      0, 7, 999, 1_000, 1_795_948_386_012, 1_795_948_386_999, 1_795_948_387_000, 7, -1, -1_000,
      253_402_300_800_005,
    ];
    for (const time of times) {
      now.mockReturnValue(time);
      const { locked_at: lockedAt } = JSON.parse(String(generateValue('key'))) as { locked_at: string };
      expect(lockedAt).toBe(new Date(time).toISOString());
    }
  });
});

describe('inspectLock', () => {
  it('uses defaults as a lock does', async () => {
    const consulClient = new FakeConsul();
    configure({ consulClient, lockKeyPattern: 'mine/%s' });
    const handle = await new EphemeralLock('key').acquire();
    await expect(inspectLock('key')).resolves.toMatchObject({ fullKey: 'mine/key', locked: true });
    await expect(inspectLock('key', { lockKeyPattern: 'other/%s' })).resolves.toBeNull();
    await handle.release();
  });
});
