/**
 * What users may rely on, written down a second time: a change of a public type has to be made here too, on purpose. The
 * compiler compares them (`public-surface.spec.ts`).
 */
import type Consul from 'consul';
import type { Logger } from 'pino';
import type { ConsulClient, ConsulLockError, LockHandle, LockInfo, LossReason } from '../../lib/index.ts';

export interface Options {
  consulClient?: ConsulClient | undefined;
  acquireTimeoutMs?: number | undefined;
  lockTimeoutMs?: number | undefined;
  minLockTimeoutMs?: number | undefined;
  lockKeyPattern?: string | undefined;
  generateValue?: ((key: string) => string | Buffer) | undefined;
  renew?: boolean | { maxHoldMs: number } | undefined;
  lockDelayMs?: number | undefined;
  sessionName?: string | undefined;
  checks?: readonly string[] | undefined;
  behavior?: 'delete' | 'release' | undefined;
  session?: string | undefined;
  token?: string | undefined;
  dc?: string | undefined;
  requestTimeoutMs?: number | undefined;
  retryTimeoutMs?: number | undefined;
  logger?: Logger | undefined;
}

export interface CallOptions {
  signal?: AbortSignal | undefined;
  acquireTimeoutMs?: number | undefined;
  failHard?: boolean | undefined;
}

export interface Lock {
  readonly key: string;
  readonly keys: readonly string[];
  acquire(options?: CallOptions & { failHard?: true }): Promise<LockHandle>;
  acquire(options: CallOptions): Promise<LockHandle | null>;
  tryAcquire(options?: CallOptions): Promise<LockHandle | null>;
  hold<T>(fn: (handle: LockHandle) => T | PromiseLike<T>, options?: CallOptions): Promise<T>;
}

export interface Operation {
  KV: {
    Verb: string;
    Key: string;
    Value?: string;
    Flags?: number;
    Index?: number;
    Session?: string;
  };
}

export interface Result {
  KV: {
    Key: string;
    Value: string | null;
    Flags: number;
    Session?: string;
    LockIndex: number;
    CreateIndex: number;
    ModifyIndex: number;
  };
}

export interface Handle {
  readonly key: string;
  readonly fullKey: string;
  readonly keys: readonly string[];
  readonly fullKeys: readonly string[];
  readonly sessionId: string;
  readonly fencingToken: number;
  readonly acquiredAt: Date;
  readonly remainingMs: number;
  readonly isHeld: boolean;
  readonly signal: AbortSignal;
  assertHeld(): void;
  verify(): Promise<boolean>;
  renew(): Promise<void>;
  transaction(operations: readonly Operation[]): Promise<readonly Result[]>;
  release(): Promise<boolean>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface Info {
  fullKey: string;
  locked: boolean;
  sessionId?: string;
  fencingToken: number;
  value: string | null;
  node?: string;
  sessionName?: string;
  ttlMs?: number;
  lockedAt?: Date;
}

export interface AcquisitionError extends ConsulLockError {
  readonly code: 'LOCK_NOT_ACQUIRED' | 'LOCK_DEADLOCK' | 'LOCK_CONFLICT' | 'LOCK_SHUTDOWN';
  readonly attempts: number;
  readonly waitedMs: number;
  readonly holder?: LockInfo;
}

export interface LostError extends ConsulLockError {
  readonly code: 'LOCK_LOST';
  readonly reason: LossReason;
}

export interface NotHeldError extends ConsulLockError {
  readonly code: 'LOCK_NOT_HELD';
}

export interface RequestError extends ConsulLockError {
  readonly code: 'CONSUL_UNAVAILABLE' | 'CONSUL_DENIED' | 'CONSUL_REJECTED';
  readonly operation: string;
  readonly statusCode?: number;
  readonly transient: boolean;
}

export interface BaseError extends Error {
  readonly code: string;
  readonly keys: readonly string[];
}

export type Reason = 'expired' | 'session-invalidated' | 'key-deleted' | 'taken' | 'shutdown';

interface Told {
  readonly keys: readonly string[];
  readonly fullKeys: readonly string[];
}

interface Traced extends Told {
  readonly error?: unknown;
}

export interface Messages {
  acquire: Traced & {
    waitedMs: number;
    attempts: number;
    fencingToken: number | undefined;
    readonly result?: unknown;
  };
  hold: Traced & { heldMs: number; readonly result?: unknown };
  release: Traced & {
    readonly heldMs: number;
    readonly marginMs: number;
    stillOurs: boolean | undefined;
  };
  lost: Told & { readonly reason: Reason };
  renew: Told & { readonly remainingMs: number };
}

interface ClientCalls {
  create(...args: never[]): Promise<unknown>;
  renew(...args: never[]): Promise<unknown>;
  destroy(...args: never[]): Promise<unknown>;
  info(...args: never[]): Promise<unknown>;
}

export interface Client {
  session: ClientCalls;
  kv: { get(...args: never[]): Promise<unknown> };
  transaction: { create(...args: never[]): Promise<unknown> };
}

export interface Functions {
  configure(options: Options): void;
  resetDefaults(): void;
  consulFromEnv(): Consul;
  inspectLock(key: string, options?: Options): Promise<Info | null>;
  listLocks(prefix?: string, options?: Options): Promise<Info[]>;
  forceRelease(
    key: string,
    options?: Options & { ifSession?: string | undefined; ifFencingToken?: number | undefined },
  ): Promise<boolean>;
  shutdown(options?: { graceMs?: number }): Promise<void>;
}
