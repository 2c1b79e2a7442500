import type { Clock } from './clock.ts';
import { sleep } from './sleep.ts';
import type { CallLimits, ConsulGate } from './consul-gate.ts';
import type { LossReason } from './errors.ts';
import type { Lease } from './lease.ts';
import { merged } from './merged.ts';
import type { Session } from './session.ts';
import type { StopSignal } from './stop.ts';

export interface Renewable {
  readonly gate: ConsulGate;
  readonly session: Session;
  readonly lease: Lease;
  /** Asks Consul, consistently. */
  readonly check: (limits: CallLimits) => Promise<'ours' | LossReason>;
}

/**
 * Starts the session's TTL anew and, once a consistent check has proven that every key is still ours, counts the lease
 * from before that renewal was sent. Both begin before the old deadline.
 *
 * The renewal alone proves nothing: a deposed leader, and a session that lost its key, still answer it with 200
 * (measured on 1.8.7); and a deposed leader may never have heard of a session.
 */
export async function renewLease(
  { gate, session, lease, check }: Renewable,
  limits: CallLimits,
): Promise<void> {
  lease.assertHeld('renew');
  const timeoutMs = session.renewalLimitMs(gate);
  const bounded = merged(limits, { timeoutMs });
  const startedAt = lease.readClock();
  const isRenewed = await session.renew(gate, bounded);
  lease.assertHeld('renew');
  const state = await check(bounded);
  if (state !== 'ours') lease.lose(state);
  else if (isRenewed) lease.extend(startedAt);
  lease.assertHeld('renew');
  if (!isRenewed) throw gate.unexpected('session.renew', 'there is no such session, and its keys are held');
}

/**
 * Renews when a third of the TTL is over, and faster after a failure, until `signal` aborts. Never rejects.
 *
 * A lock may begin with less than a third: when it was waited for, and the renewal beside its taking failed.
 */
export async function keepRenewing(
  renew: () => Promise<void>,
  { clock, session, signal }: { clock: Clock; session: Session; signal: StopSignal },
): Promise<void> {
  const { ttlMs } = session;
  let failures = 0;
  while (!signal.aborted) {
    // A failed renewal is repeated so often that only the clock gives the lease up; the jitter is against herds.
    const soonMs = Math.min(ttlMs / 20, 1_000) * (0.5 + Math.random());
    const delayMs = failures === 0 ? Math.max(ttlMs / 3 - session.ageMs, soonMs) : soonMs;
    try {
      await sleep(clock, delayMs, { signal, keepProcessAlive: false });
      await renew();
      failures = 0;
    } catch {
      failures++;
    }
  }
}
