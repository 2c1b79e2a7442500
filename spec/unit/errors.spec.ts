import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import {
  ConsulLockError,
  ConsulRequestError,
  LockAcquisitionError,
  LockLostError,
  LockNotHeldError,
} from '../../lib/errors.ts';

const cause = new Error('beneath');
const keys = ['a', 'b'];
const holder = { fullKey: 'locks/a', locked: true, fencingToken: 7, value: null };

const ERRORS = [
  [
    'LockAcquisitionError',
    LockAcquisitionError,
    new LockAcquisitionError('said', {
      code: 'LOCK_NOT_ACQUIRED',
      keys,
      attempts: 3,
      waitedMs: 40,
      holder,
      cause,
    }),
    { code: 'LOCK_NOT_ACQUIRED', keys, attempts: 3, waitedMs: 40, holder },
  ],
  [
    'LockLostError',
    LockLostError,
    new LockLostError('said', { keys, reason: 'expired', cause }),
    { code: 'LOCK_LOST', keys, reason: 'expired' },
  ],
  [
    'LockNotHeldError',
    LockNotHeldError,
    new LockNotHeldError('said', { keys, cause }),
    { code: 'LOCK_NOT_HELD', keys },
  ],
  [
    'ConsulRequestError',
    ConsulRequestError,
    new ConsulRequestError('said', {
      code: 'CONSUL_DENIED',
      operation: 'kv.get',
      statusCode: 403,
      transient: false,
      keys,
      cause,
    }),
    { code: 'CONSUL_DENIED', keys, operation: 'kv.get', statusCode: 403, transient: false },
  ],
] as const;

describe.each(ERRORS)('%s', (name, own, error, carried) => {
  it('is an Error and a ConsulLockError, and of no other class of ours', () => {
    expect(error).toBeInstanceOf(Error);
    expect(error).toBeInstanceOf(ConsulLockError);
    const classes = ERRORS.map(([, anyClass]) => anyClass).filter((anyClass) => error instanceof anyClass);
    expect(classes).toEqual([own]);
  });

  it('carries what it tells', () => {
    expect(error).toMatchObject(carried);
    expect(error.message).toBe('said');
    expect(error.cause).toBe(cause);
  });

  it('bears a name that needs no property of its own', () => {
    expect(error.name).toBe(name);
    expect(Object.hasOwn(error, 'name')).toBe(false);
    expect(String(error)).toBe(`${name}: said`);
    expect(error.stack).toMatch(new RegExp(`^${name}: said\n\\s+at `));
  });

  it('serialises to what it carries', () => {
    expect(JSON.parse(JSON.stringify(error))).toEqual(carried);
  });

  it('shows its class, message and code to whoever inspects it', () => {
    expect(inspect(error)).toContain(`${name}: said`);
    expect(inspect(error)).toContain(`code: '${carried.code}'`);
  });
});

describe('ConsulLockError', () => {
  it('has no cause when none is given', () => {
    const error = new LockNotHeldError('said', { keys: [] });
    expect('cause' in error).toBe(false);
  });
});

describe('LockAcquisitionError', () => {
  it('has no holder when nobody knows one', () => {
    const details = { code: 'LOCK_CONFLICT', keys, attempts: 1, waitedMs: 0 } as const;
    expect('holder' in new LockAcquisitionError('said', details)).toBe(false);
    expect('holder' in new LockAcquisitionError('said', { ...details, holder: undefined })).toBe(false);
  });
});

describe('ConsulRequestError', () => {
  it('has no status when there was no answer, and no keys when none are concerned', () => {
    const error = new ConsulRequestError('said', {
      code: 'CONSUL_UNAVAILABLE',
      operation: 'kv.get',
      statusCode: undefined,
      transient: true,
    });
    expect(error.statusCode).toBeUndefined();
    expect(error.keys).toEqual([]);
  });

  it('shows no empty property to whoever inspects it', () => {
    const details = { code: 'CONSUL_UNAVAILABLE', operation: 'kv.get', transient: true } as const;
    expect(inspect(new ConsulRequestError('said', details))).not.toContain('undefined');
  });
});
