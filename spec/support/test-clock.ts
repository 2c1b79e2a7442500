import type { Clock, Instant } from '../../lib/clock.ts';

interface Timer {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** A clock that a spec moves, forwards or back; its timers fire within `move`, in their order. */
export class TestClock implements Clock {
  /** With which options the last timer was made. */
  lastOptions: { keepProcessAlive?: boolean } | undefined;
  #nowMs = 0;
  readonly #timers = new Set<Timer>();

  /** How many timers there are. */
  get timers(): number {
    return this.#timers.size;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  read(): Instant {
    return { monotonicMs: this.#nowMs, wallMs: this.#nowMs };
  }

  elapsedSince(instant: Instant): number {
    return Math.max(0, this.#nowMs - instant.monotonicMs);
  }

  schedule(delayMs: number, callback: () => void, options?: { keepProcessAlive?: boolean }): () => void {
    const timer = { dueMs: this.#nowMs + delayMs, callback };
    this.lastOptions = options;
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  move(ms: number): void {
    const target = this.#nowMs + ms;
    for (let timer = this.#nextBy(target); timer; timer = this.#nextBy(target)) {
      this.#nowMs = Math.max(this.#nowMs, timer.dueMs);
      this.#timers.delete(timer);
      timer.callback();
    }
    this.#nowMs = target;
  }

  /** Time passes while nothing can run: no timer fires. */
  block(ms: number): void {
    this.#nowMs += ms;
  }

  #nextBy(target: number): Timer | undefined {
    return [...this.#timers].filter(({ dueMs }) => dueMs <= target).toSorted((a, b) => a.dueMs - b.dueMs)[0];
  }
}
