import { ConsulRequestError, LockAcquisitionError } from './errors.ts';
import { named } from './lease.ts';
import type { LockInfo } from './lock-info.ts';

/** How an acquisition stood when it came to nothing. */
export interface Standing {
  readonly keys: readonly string[];
  readonly attempts: number;
  readonly waitedMs: number;
}

export function notAcquiredError(
  standing: Standing,
  acquireTimeoutMs: number,
  refused: { readonly kind: 'held'; readonly fullKey: string } | { readonly kind: 'lock-delay' },
  { holder, isDeadlock }: { readonly holder: LockInfo | null | undefined; readonly isDeadlock: boolean },
): LockAcquisitionError {
  const why =
    refused.kind === 'lock-delay'
      ? 'its lock delay is running'
      : `another contender has ${refused.fullKey}${holder?.sessionId === undefined ? '' : ` (session ${holder.sessionId})`}`;
  return new LockAcquisitionError(
    `the lock on ${named(standing.keys)} was not acquired within ${acquireTimeoutMs} ms: ${why}` +
      (isDeadlock ? '; it is held further up in the same call chain, so that it waited for itself' : ''),
    {
      code: isDeadlock ? 'LOCK_DEADLOCK' : 'LOCK_NOT_ACQUIRED',
      ...rounded(standing),
      holder: holder ?? undefined,
    },
  );
}

export function conflictError(standing: Standing, fullKey: string): LockAcquisitionError {
  return new LockAcquisitionError(
    `the lock on ${named(standing.keys)} cannot be acquired: there is data under ${fullKey} that never was a lock; it is left as it is`,
    { code: 'LOCK_CONFLICT', ...rounded(standing) },
  );
}

export function shutdownError(standing: Standing): LockAcquisitionError {
  return new LockAcquisitionError(
    `the lock on ${named(standing.keys)} was not acquired: the process is shutting down`,
    { code: 'LOCK_SHUTDOWN', ...rounded(standing) },
  );
}

export function noAnswerError({ keys, waitedMs }: Standing): ConsulRequestError {
  return unavailable(keys, `no definite answer within ${Math.round(waitedMs)} ms`);
}

export function tooLateError({ keys }: Standing, ttlMs: number): ConsulRequestError {
  return unavailable(keys, `its answer came after the lock's ${ttlMs} ms were over`);
}

function unavailable(keys: readonly string[], why: string): ConsulRequestError {
  return new ConsulRequestError(`transaction: Consul is unavailable: ${why}`, {
    code: 'CONSUL_UNAVAILABLE',
    operation: 'transaction',
    transient: true,
    keys,
  });
}

function rounded({ keys, attempts, waitedMs }: Standing): Standing {
  return { keys, attempts, waitedMs: Math.round(waitedMs) };
}
