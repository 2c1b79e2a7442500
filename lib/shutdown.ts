import { systemClock } from './system-clock.ts';
import { sleep } from './sleep.ts';
import { lifecycle } from './lifecycle.ts';
import { shown } from './lock-key.ts';
import { assertOptions, LONGEST_TIMEOUT_MS } from './options.ts';
import { sessionPool } from './session-pool.ts';
import { restoreDefaults } from './settings.ts';

/** How a process ends its work with locks. */
export interface ShutdownOptions {
  /** For how long holders may finish and release by themselves, in milliseconds. */
  graceMs?: number;
}

/** Beyond the grace, when Consul does not answer: what is left is left to the TTLs. */
const TIDYING_MS = 15_000;

/**
 * For the end of a process: refuses later acquisitions and rejects those that wait (`LOCK_SHUTDOWN`), aborts the signals
 * of held locks (reason `'shutdown'`), waits up to `graceMs` for their releases, gives back the rest, and ends idle
 * sessions. Sessions of the option `session` are not ended. Never rejects for what Consul does, and settles within `graceMs` plus 15 s
 * when it does not answer.
 */
export async function shutdown(options: ShutdownOptions = {}): Promise<void> {
  assertOptions(options, ['graceMs'], 'options');
  const { graceMs = 0 } = options;
  if (typeof graceMs !== 'number') throw new TypeError(`graceMs: must be a number; got ${shown(graceMs)}`);
  if (!Number.isInteger(graceMs) || graceMs < 0 || graceMs > LONGEST_TIMEOUT_MS) {
    throw new RangeError(
      `graceMs: must be an integer from 0 to ${LONGEST_TIMEOUT_MS} (milliseconds); got ${graceMs}`,
    );
  }
  lifecycle.shutDown();
  for (const holding of lifecycle.holdings) holding.warnOfShutdown();
  await atMost(graceMs, lifecycle.allReleased());
  await atMost(
    TIDYING_MS,
    Promise.allSettled(lifecycle.holdings.map(async (holding) => await holding.end()))
      .then(async () => await lifecycle.settled())
      .then(async () => await sessionPool.drain())
      .then(async () => await lifecycle.settled()),
  );
}

/** Puts the built-in values back and, after a `shutdown`, lets locks be taken again: for tests. */
export function resetDefaults(): void {
  restoreDefaults();
  lifecycle.reopen();
}

async function atMost(limitMs: number, work: Promise<unknown>): Promise<void> {
  const stop = new AbortController();
  try {
    await Promise.race([work, sleep(systemClock, limitMs, { signal: stop.signal }).catch(() => {})]);
  } finally {
    stop.abort();
  }
}
