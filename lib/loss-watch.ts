import type { Clock } from './clock.ts';
import { sleep } from './sleep.ts';
import type { CallLimits, ConsulGate } from './consul-gate.ts';
import { untilNextLook } from './crowd.ts';
import type { LossReason } from './errors.ts';
import { jittered } from './retry.ts';
import type { StopSignal } from './stop.ts';

/** For how long one blocking query waits: short, so that a connection that died unnoticed is left soon. */
const WAIT_MS = 5_100;

/** A blocking query that ends sooner, again and again, is followed by a pause. */
const SHORTEST_WAIT_MS = 50;

export interface Watched {
  readonly gate: ConsulGate;
  readonly clock: Clock;
  readonly fullKey: string;
  /** Asks Consul, consistently. */
  readonly check: (limits: CallLimits) => Promise<'ours' | LossReason>;
  readonly onLoss: (reason: LossReason) => void;
  /** Ends the watching. */
  readonly signal: StopSignal;
}

/**
 * Watches one key until it is lost, or until the watching is ended; never rejects, and never keeps the process alive.
 *
 * A blocking query on any server only wakes it up. What counts as loss is a consistent read; a request that fails says
 * nothing either way.
 */
export async function watchForLoss({ gate, clock, fullKey, check, onLoss, signal }: Watched): Promise<void> {
  const limits = { signal, keepProcessAlive: false };
  let index: number | undefined;
  let troubles = 0;
  while (!signal.aborted) {
    const began = clock.read();
    try {
      const state = await check(limits);
      if (state !== 'ours') {
        onLoss(state);
        return;
      }
      if (index !== undefined && gate.isCrowded('waiting')) {
        await untilNextLook(clock, Infinity, { signal, keepProcessAlive: false });
        continue;
      }
      const entry = await gate.readKey(fullKey, {
        ...limits,
        consistency: 'stale',
        lane: 'waiting',
        ...(index === undefined
          ? {}
          : {
              afterIndex: index, // Consul adds up to a sixteenth (source: its documentation of blocking queries).
              waitMs: (WAIT_MS * 16) / 17,
              timeoutMs: WAIT_MS + gate.requestTimeoutMs,
            }),
      });
      // A server that lags shows what was, and a client may not wait at all: neither must become a hot loop.
      const isAtOnce = index !== undefined && clock.elapsedSince(began) < SHORTEST_WAIT_MS;
      troubles = isAtOnce || entry === null ? troubles + 1 : 0;
      index = entry?.modifyIndex;
    } catch {
      // Unknown is a state of its own: neither held nor lost.
      index = undefined;
      troubles++;
    }
    if (troubles > 1 && !signal.aborted) {
      await sleep(clock, jittered(troubles), { signal, keepProcessAlive: false }).catch(() => {});
    }
  }
}
