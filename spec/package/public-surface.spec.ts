import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type {
  AcquireOptions,
  ConsulClient,
  KvOperation,
  KvResult,
  LockHandle,
  LockInfo,
  LockOptions,
  LossReason,
} from '../../lib/index.ts';
import * as door from '../../lib/index.ts';
import type {
  CallOptions,
  CallResult,
  FakeConsulOptions,
  FakeKvCalls,
  FakeOperation,
  FakeSessionCalls,
  FakeTransactionCalls,
  SessionRow,
} from '../../lib/testing/index.ts';
import * as testingDoor from '../../lib/testing/index.ts';
import { projectFolder } from '../support/consul-server/project-folder.ts';

/** The names that a file exports as types only. */
function typesOf(file: string): string[] {
  const source = readFileSync(join(projectFolder(), file), 'utf8');
  const blocks = Array.from(source.matchAll(/export (type )?\{([^}]*)\}/g));
  return blocks
    .flatMap(([, allTypes, names = '']) =>
      names
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== '' && (allTypes !== undefined || name.startsWith('type ')))
        .map((name) => name.replace(/^type /, '').replace(/^.* as /, '')),
    )
    .toSorted();
}

/** Each of these names can be imported: that, the compiler checks. */
interface Types {
  LockOptions: LockOptions;
  AcquireOptions: AcquireOptions;
  LockHandle: LockHandle;
  LockInfo: LockInfo;
  ConsulClient: ConsulClient;
  KvOperation: KvOperation;
  KvResult: KvResult;
  LossReason: LossReason;
}

interface TestingTypes {
  CallOptions: CallOptions;
  CallResult: CallResult;
  FakeConsulOptions: FakeConsulOptions;
  FakeKvCalls: FakeKvCalls;
  FakeOperation: FakeOperation;
  FakeSessionCalls: FakeSessionCalls;
  FakeTransactionCalls: FakeTransactionCalls;
  SessionRow: SessionRow;
}

describe('consul-lock', () => {
  it('exports these values and no others', () => {
    expect(Object.keys(door).toSorted()).toEqual(
      [
        'EphemeralLock',
        'configure',
        'defaults',
        'resetDefaults',
        'consulFromEnv',
        'ConsulLockError',
        'LockAcquisitionError',
        'LockLostError',
        'LockNotHeldError',
        'ConsulRequestError',
        'inspectLock',
        'listLocks',
        'forceRelease',
        'shutdown',
      ].toSorted(),
    );
  });

  it('exports the types of the contract, and those that their signatures name', () => {
    const contract: (keyof Types)[] = ['LockOptions', 'AcquireOptions', 'LockHandle', 'LockInfo'];
    const named: (keyof Types)[] = ['ConsulClient', 'KvOperation', 'KvResult', 'LossReason'];
    expect(typesOf('lib/index.ts')).toEqual([...contract, ...named].toSorted());
  });

  it('exports nothing by default, and nothing by a star', () => {
    expect(door).not.toHaveProperty('default');
    expect(readFileSync(join(projectFolder(), 'lib/index.ts'), 'utf8')).not.toContain('*');
  });
});

describe('consul-lock/testing', () => {
  it('exports FakeConsul and no other value', () => {
    expect(Object.keys(testingDoor)).toEqual(['FakeConsul']);
  });

  it('exports the types that its signatures name', () => {
    const named: (keyof TestingTypes)[] = [
      'CallOptions',
      'CallResult',
      'FakeConsulOptions',
      'FakeKvCalls',
      'FakeOperation',
      'FakeSessionCalls',
      'FakeTransactionCalls',
      'SessionRow',
    ];
    expect(typesOf('lib/testing/index.ts')).toEqual(named);
  });
});
