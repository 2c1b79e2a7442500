import type { LockInfo } from './lock-info.ts';

/**
 * Why a holder no longer has its lock: its time ran out; its session was ended; its key was deleted; its key was taken
 * by somebody else; `shutdown()` was called. A plain write on its key is no loss.
 */
export type LossReason = 'expired' | 'session-invalidated' | 'key-deleted' | 'taken' | 'shutdown';

/**
 * Why a lock was not acquired: another contender has it, or its lock delay is running; the same, inside a `hold` of the same key; there is data under the
 * key that never was a lock; `shutdown()` was called.
 */
export type LockAcquisitionErrorCode =
  'LOCK_NOT_ACQUIRED' | 'LOCK_DEADLOCK' | 'LOCK_CONFLICT' | 'LOCK_SHUTDOWN';

/** Consul did not answer, refused the token, or refused the request. */
export type ConsulRequestErrorCode = 'CONSUL_UNAVAILABLE' | 'CONSUL_DENIED' | 'CONSUL_REJECTED';

/**
 * The base of all errors of this package; never thrown itself.
 *
 * Outside of it: a wrong argument is a `TypeError` or `RangeError`, and a cancellation rejects with the signal's own
 * reason.
 */
export abstract class ConsulLockError extends Error {
  /** What to match on. */
  abstract readonly code: string;
  /** The keys concerned, as they were asked for. */
  readonly keys: readonly string[];

  constructor(message: string, { keys, cause }: { keys: readonly string[]; cause?: unknown }) {
    super(message, cause === undefined ? undefined : { cause });
    this.keys = keys;
  }
}

/** A lock could not be had: in time (`LOCK_NOT_ACQUIRED`, `LOCK_DEADLOCK`) or at all (`LOCK_CONFLICT`, `LOCK_SHUTDOWN`). */
export class LockAcquisitionError extends ConsulLockError {
  static {
    this.prototype.name = 'LockAcquisitionError';
  }
  /** What to match on. */
  readonly code: LockAcquisitionErrorCode;
  /** How many attempts were made on Consul. */
  readonly attempts: number;
  /** From the call until it gave up, in milliseconds. */
  readonly waitedMs: number;
  /** Who has the lock, where Consul could still tell. */
  declare readonly holder?: LockInfo;

  constructor(
    message: string,
    details: {
      code: LockAcquisitionErrorCode;
      keys: readonly string[];
      attempts: number;
      waitedMs: number;
      holder?: LockInfo | undefined;
      cause?: unknown;
    },
  ) {
    super(message, details);
    this.code = details.code;
    this.attempts = details.attempts;
    this.waitedMs = details.waitedMs;
    if (details.holder !== undefined) this.holder = details.holder;
  }
}

/** The lock was lost while it was held; also the reason of `handle.signal`, which aborts at a `shutdown` before that. */
export class LockLostError extends ConsulLockError {
  static {
    this.prototype.name = 'LockLostError';
  }
  /** What to match on. */
  readonly code = 'LOCK_LOST' as const;
  /** Its time ran out, its session was ended, its key was deleted or taken, or the process is shutting down. */
  readonly reason: LossReason;

  constructor(message: string, details: { keys: readonly string[]; reason: LossReason; cause?: unknown }) {
    super(message, details);
    this.reason = details.reason;
  }
}

/** The handle was released before: there is nothing left to renew, to assert or to write under. */
export class LockNotHeldError extends ConsulLockError {
  static {
    this.prototype.name = 'LockNotHeldError';
  }
  /** What to match on. */
  readonly code = 'LOCK_NOT_HELD' as const;
}

/** Consul did not answer (`CONSUL_UNAVAILABLE`), refused the token (`CONSUL_DENIED`) or the request (`CONSUL_REJECTED`). */
export class ConsulRequestError extends ConsulLockError {
  static {
    this.prototype.name = 'ConsulRequestError';
  }
  /** What to match on. */
  readonly code: ConsulRequestErrorCode;
  /** The call that failed, as the `consul` package names it: `session.create`, `kv.get`, `transaction`. */
  readonly operation: string;
  /** The HTTP status, when there was an answer. */
  declare readonly statusCode?: number;
  /** True when the same request may succeed later. */
  readonly transient: boolean;

  constructor(
    message: string,
    details: {
      code: ConsulRequestErrorCode;
      operation: string;
      statusCode?: number | undefined;
      transient: boolean;
      keys?: readonly string[];
      cause?: unknown;
    },
  ) {
    super(message, { keys: details.keys ?? [], cause: details.cause });
    this.code = details.code;
    this.operation = details.operation;
    if (details.statusCode !== undefined) this.statusCode = details.statusCode;
    this.transient = details.transient;
  }
}
