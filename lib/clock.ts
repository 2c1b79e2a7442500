/**
 * A clock by which leases are counted: what has elapsed since a reading, and timers that follow the same time.
 *
 * The system's clock serves a real Consul; a `FakeConsul` brings one of its own, which a test moves.
 */
export interface Clock {
  read(): Instant;
  /** Milliseconds since `instant`; never negative. */
  elapsedSince(instant: Instant): number;
  /** Runs `callback` once after `delayMs`; the answer disposes of the timer. */
  schedule(delayMs: number, callback: () => void, options?: { keepProcessAlive?: boolean }): () => void;
}

/** A reading of a clock, of use only to the clock that gave it. */
export interface Instant {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/** A client with a clock of its own carries it under this name. */
export const CLOCK: unique symbol = Symbol.for('consul-lock.clock') as never;

/** What has elapsed by either of two clocks; a timer fires by the one that gets there first. */
export function eitherClock(one: Clock, other: Clock): Clock {
  if (one === other) return one;
  const readings = new WeakMap<Instant, Instant>();
  return {
    read() {
      const instant = { ...one.read() };
      readings.set(instant, other.read());
      return instant;
    },
    elapsedSince(instant) {
      const otherInstant = readings.get(instant);
      return Math.max(one.elapsedSince(instant), otherInstant ? other.elapsedSince(otherInstant) : 0);
    },
    schedule(delayMs, callback, options) {
      const fire = (): void => {
        dispose();
        callback();
      };
      const timers = [one, other].map((clock) => clock.schedule(delayMs, fire, options));
      const dispose = (): void => timers.forEach((disposeTimer) => disposeTimer());
      return dispose;
    },
  };
}
