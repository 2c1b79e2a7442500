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

/** Beyond this, a timer of Node fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * The larger of monotonic and wall-clock time elapsed counts: the monotonic clock stops while a machine is suspended,
 * the wall clock jumps; a lease errs to "over" in both cases.
 */
export const systemClock: Clock = {
  read() {
    return { monotonicMs: performance.now(), wallMs: Date.now() };
  },
  elapsedSince(instant) {
    return Math.max(0, performance.now() - instant.monotonicMs, Date.now() - instant.wallMs);
  },
  schedule(delayMs, callback, { keepProcessAlive = true } = {}) {
    if (delayMs > LONGEST_TIMER_MS) return scheduleFar(delayMs, callback, keepProcessAlive);
    const timer = setTimeout(callback, Math.max(delayMs, 0));
    if (!keepProcessAlive) timer.unref();
    return () => clearTimeout(timer);
  },
};

/** By several timers, one after the other. */
function scheduleFar(delayMs: number, callback: () => void, keepProcessAlive: boolean): () => void {
  let timer: NodeJS.Timeout;
  const arm = (leftMs: number): void => {
    timer = setTimeout(
      () => (leftMs > LONGEST_TIMER_MS ? arm(leftMs - LONGEST_TIMER_MS) : callback()),
      Math.min(leftMs, LONGEST_TIMER_MS),
    );
    if (!keepProcessAlive) timer.unref();
  };
  arm(delayMs);
  return () => clearTimeout(timer);
}

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
