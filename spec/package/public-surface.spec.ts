import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type {
  AcquireMessage,
  AcquireOptions,
  ConsulClient,
  ConsulRequestErrorCode,
  HoldMessage,
  KeyOrKeys,
  KvOperation,
  KvResult,
  LockAcquisitionErrorCode,
  LockBehavior,
  LockHandle,
  LockInfo,
  LockOptions,
  LossReason,
  LostMessage,
  ReleaseMessage,
  RenewMessage,
  RenewOptions,
  ShutdownOptions,
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
import { FakeScene } from '../support/fake-scene.ts';
import type * as contract from './public-contract.ts';

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
  AcquireMessage: AcquireMessage;
  ConsulClient: ConsulClient;
  ConsulRequestErrorCode: ConsulRequestErrorCode;
  HoldMessage: HoldMessage;
  KeyOrKeys: KeyOrKeys;
  KvOperation: KvOperation;
  KvResult: KvResult;
  LockAcquisitionErrorCode: LockAcquisitionErrorCode;
  LockBehavior: LockBehavior;
  LossReason: LossReason;
  LostMessage: LostMessage;
  ReleaseMessage: ReleaseMessage;
  RenewMessage: RenewMessage;
  RenewOptions: RenewOptions;
  ShutdownOptions: ShutdownOptions;
}

/** The public part of a class, with nothing folded into anything else. */
type Public<T> = T extends (...args: never[]) => unknown ? T : { [name in keyof T]: T[name] };

/** True for types that are one and the same, down to `?` and `readonly`. */
type Same<A, B> =
  (<T>() => T extends Public<A> ? 1 : 2) extends <T>() => T extends Public<B> ? 1 : 2 ? true : false;

/** Functions are told apart by what they can stand for: names of parameters do not count. */
type Exchangeable<A, B> = [A, B] extends [B, A] ? true : false;

type Error<Class extends new (...args: never[]) => unknown> = InstanceType<Class>;

type Door = typeof door;

declare const holdOfText: typeof door.EphemeralLock.prototype.hold<string>;

/** Each of these is true: that, the compiler checks. */
const AS_WRITTEN: {
  options: Same<LockOptions, contract.Options>;
  'options of a call': Same<AcquireOptions, contract.CallOptions>;
  handle: Same<LockHandle, contract.Handle>;
  info: Same<LockInfo, contract.Info>;
  operation: Same<KvOperation, contract.Operation>;
  'result of an operation': Same<KvResult, contract.Result>;
  client: Exchangeable<ConsulClient, contract.Client>;
  keys: Same<KeyOrKeys, string | readonly string[]>;
  'result of a hold': Same<Awaited<ReturnType<typeof holdOfText>>, string>;
  lock: Same<keyof door.EphemeralLock, keyof contract.Lock>;
  'calls of a lock': Exchangeable<Public<door.EphemeralLock>, contract.Lock>;
  'making of a lock': Exchangeable<
    ConstructorParameters<Door['EphemeralLock']>,
    [key: string | readonly string[], options?: contract.Options | undefined]
  >;
  'error of an acquisition': Same<Error<Door['LockAcquisitionError']>, contract.AcquisitionError>;
  'error of a loss': Same<Error<Door['LockLostError']>, contract.LostError>;
  'error after a release': Same<Error<Door['LockNotHeldError']>, contract.NotHeldError>;
  'error of a request': Same<Error<Door['ConsulRequestError']>, contract.RequestError>;
  'base of errors': Same<door.ConsulLockError, contract.BaseError>;
  reasons: Same<LossReason, contract.Reason>;
  functions: Exchangeable<Pick<Door, keyof contract.Functions>, contract.Functions>;
  'event of an acquisition': Same<AcquireMessage, contract.Messages['acquire']>;
  'event of a hold': Same<HoldMessage, contract.Messages['hold']>;
  'event of a release': Same<ReleaseMessage, contract.Messages['release']>;
  'event of a loss': Same<LostMessage, contract.Messages['lost']>;
  'event of a renewal': Same<RenewMessage, contract.Messages['renew']>;
} = {
  options: true,
  'options of a call': true,
  handle: true,
  info: true,
  operation: true,
  'result of an operation': true,
  client: true,
  keys: true,
  'result of a hold': true,
  lock: true,
  'calls of a lock': true,
  'making of a lock': true,
  'error of an acquisition': true,
  'error of a loss': true,
  'error after a release': true,
  'error of a request': true,
  'base of errors': true,
  reasons: true,
  functions: true,
  'event of an acquisition': true,
  'event of a hold': true,
  'event of a release': true,
  'event of a loss': true,
  'event of a renewal': true,
};

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

  it('exports the types of the contract, those of events, and those that signatures name', () => {
    const named: Record<keyof Types, true> = {
      LockOptions: true,
      AcquireOptions: true,
      LockHandle: true,
      LockInfo: true,
      AcquireMessage: true,
      ConsulClient: true,
      ConsulRequestErrorCode: true,
      HoldMessage: true,
      KeyOrKeys: true,
      KvOperation: true,
      KvResult: true,
      LockAcquisitionErrorCode: true,
      LockBehavior: true,
      LossReason: true,
      LostMessage: true,
      ReleaseMessage: true,
      RenewMessage: true,
      RenewOptions: true,
      ShutdownOptions: true,
    };
    expect(typesOf('lib/index.ts')).toEqual(Object.keys(named).toSorted());
  });

  it('has the types that are written down', () => {
    expect(Object.values(AS_WRITTEN)).not.toContain(false);
  });

  it('has a default for every option that is written down, and no other', () => {
    const options: Record<keyof contract.Options, true> = {
      consulClient: true,
      acquireTimeoutMs: true,
      lockTimeoutMs: true,
      minLockTimeoutMs: true,
      lockKeyPattern: true,
      generateValue: true,
      renew: true,
      lockDelayMs: true,
      sessionName: true,
      checks: true,
      behavior: true,
      session: true,
      token: true,
      dc: true,
      requestTimeoutMs: true,
      retryTimeoutMs: true,
      logger: true,
    };
    expect(Object.keys(door.defaults).toSorted()).toEqual(Object.keys(options).toSorted());
  });

  it('gives handles the members that are written down, and no others', async () => {
    const members: Record<Exclude<keyof contract.Handle, symbol>, string> = {
      key: 'string',
      fullKey: 'string',
      keys: 'object',
      fullKeys: 'object',
      sessionId: 'string',
      fencingToken: 'number',
      acquiredAt: 'object',
      remainingMs: 'number',
      isHeld: 'boolean',
      signal: 'object',
      assertHeld: 'function',
      verify: 'function',
      renew: 'function',
      transaction: 'function',
      release: 'function',
    };
    const scene = new FakeScene();
    const handle = await scene.lock().acquire();
    const names = [...Object.keys(handle), ...Object.getOwnPropertyNames(Object.getPrototypeOf(handle))];
    const found = names.filter((name) => name !== 'constructor');
    expect(Object.fromEntries(found.map((name) => [name, typeof handle[name as keyof LockHandle]]))).toEqual(
      members,
    );
    expect(handle[Symbol.asyncDispose]).toBeInstanceOf(Function);
    await handle.release();
    await scene.end();
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
