import { isTransient } from './consul-failure.ts';
import type { ConsulGate } from './consul-gate.ts';
import type { ContenderSession } from './contender-session.ts';
import type { Patience } from './patience.ts';
import { retryTransient } from './retry.ts';

/** For how long one blocking query waits: short, so that a server that lags or was cut off is asked no longer than that. */
const LONGEST_WAIT_MS = 10_000;

/** A blocking query that ends sooner, with the key still held, is followed by a pause up to this. */
const SHORTEST_WAIT_MS = 50;

export interface Waiting {
  readonly gate: ConsulGate;
  readonly patience: Patience;
  readonly session: ContenderSession;
  readonly fullKey: string;
}

/**
 * Waits in Consul until nobody holds the key. `not-waited` asks for another attempt after a pause: the key was found free
 * at once. Rejects when Consul does not say, in the end, whether it is still held.
 */
export async function waitUntilFree(waiting: Waiting): Promise<'freed' | 'not-waited' | 'still-held'> {
  const { gate, patience, session, fullKey } = waiting;
  const { signal } = patience;
  let failures = 0;
  let hasWaited = false;
  while (patience.leftToWaitMs > 0) {
    try {
      const timeoutMs = Math.min(gate.requestTimeoutMs, patience.leftToWaitMs);
      const entry = await gate.readKey(fullKey, { consistency: 'default', timeoutMs, signal });
      if (entry?.session === undefined) return hasWaited ? 'freed' : 'not-waited';
      if (await waitForChange(waiting, entry.modifyIndex)) return 'freed';
      hasWaited = true;
      failures = 0;
      await session.keepAlive();
    } catch (error) {
      signal.throwIfAborted();
      if (!isTransient(error)) throw error;
      await patience.pause(++failures);
    }
  }
  return await lookForTheLastTime(waiting);
}

/** Whether the key came free; false when the query ended without that, or with another holder. */
async function waitForChange(
  { gate, patience, session, fullKey }: Waiting,
  afterIndex: number,
): Promise<boolean> {
  const waitMs = Math.min(LONGEST_WAIT_MS, patience.leftToWaitMs, session.ttlMs / 2);
  const waitedBeforeMs = patience.waitedMs;
  const entry = await gate.readKey(fullKey, {
    // Any server wakes us up as well as the leader does, and during an election sooner: only the attempt counts.
    consistency: 'stale',
    afterIndex,
    // Consul adds up to a sixteenth (source: its documentation of blocking queries).
    waitMs: Math.ceil((waitMs * 16) / 17),
    timeoutMs: Math.max(1, Math.min(waitMs + gate.requestTimeoutMs, patience.leftToWaitMs)),
    signal: patience.signal,
  });
  if (entry?.session === undefined) return true;
  // A client that does not wait must not make a hot loop of us, nor a holder that rewrites its value all the time.
  const tooSoonMs = SHORTEST_WAIT_MS - (patience.waitedMs - waitedBeforeMs);
  if (tooSoonMs > 0) await patience.sleep(Math.min(tooSoonMs, Math.max(0, patience.leftToWaitMs)));
  return false;
}

/** When the time is over: still held is one thing, and a Consul that does not say so is another. */
async function lookForTheLastTime({
  gate,
  patience,
  fullKey,
}: Waiting): Promise<'not-waited' | 'still-held'> {
  const { clock, signal } = patience;
  const entry = await retryTransient(
    async () => await gate.readKey(fullKey, { consistency: 'default', signal }),
    { clock, signal, remainingMs: () => patience.leftToRetryMs },
  );
  return entry?.session === undefined ? 'not-waited' : 'still-held';
}
