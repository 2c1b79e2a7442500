import type { Clock, Instant } from '../clock.ts';

interface Timer {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** Time that stands still until it is told to move. */
export class FakeClock implements Clock {
  private readonly base: () => number;
  private readonly settle: () => Promise<void>;
  private readonly timers = new Set<Timer>();
  private movedMs = 0;
  private moving: Promise<void> = Promise.resolve();

  constructor(now: number | Date | (() => number) | undefined, settle: () => Promise<void>) {
    this.base = baseOf(now);
    this.settle = settle;
  }

  now(): number {
    return this.base() + this.movedMs;
  }

  read(): Instant {
    const now = this.now();
    return { monotonicMs: now, wallMs: now };
  }

  elapsedSince(instant: Instant): number {
    return Math.max(0, this.now() - instant.monotonicMs);
  }

  schedule(delayMs: number, callback: () => void): () => void {
    const timer = { dueMs: this.now() + delayMs, callback };
    this.timers.add(timer);
    if (!(delayMs > 0)) queueMicrotask(() => this.fire(timer));
    return () => {
      this.timers.delete(timer);
    };
  }

  /** Fires what a base that moves by itself has left behind. */
  catchUp(): void {
    for (let timer = this.nextDueBy(this.now()); timer !== undefined; timer = this.nextDueBy(this.now())) {
      this.fire(timer);
    }
  }

  async advance(ms: number): Promise<void> {
    if (typeof ms !== 'number') throw new TypeError(`ms must be a number, got ${typeof ms}`);
    if (!(ms >= 0 && ms < Infinity)) throw new RangeError(`ms must be finite and at least 0, got ${ms}`);
    // One after another: two that overlap would each set the time back to where the other was.
    const moved = this.moving.then(async () => await this.walk(ms));
    this.moving = moved.catch(() => undefined);
    await moved;
  }

  private async walk(ms: number): Promise<void> {
    const target = this.now() + ms;
    await this.settle();
    for (let timer = this.nextDueBy(target); timer !== undefined; timer = this.nextDueBy(target)) {
      this.moveTo(timer.dueMs);
      this.fire(timer);
      await this.settle();
    }
    this.moveTo(target);
  }

  private moveTo(target: number): void {
    this.movedMs += Math.max(0, target - this.now());
  }

  private fire(timer: Timer): void {
    if (this.timers.delete(timer)) timer.callback();
  }

  private nextDueBy(target: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.timers) {
      if (timer.dueMs <= target && (next === undefined || timer.dueMs < next.dueMs)) next = timer;
    }
    return next;
  }
}

function baseOf(now: number | Date | (() => number) | undefined): () => number {
  const base = typeof now === 'function' ? now : undefined;
  const start = base?.() ?? (now === undefined ? Date.now() : Number(now));
  const known = now === undefined || base !== undefined || typeof now === 'number' || now instanceof Date;
  if (!known || !Number.isFinite(start)) {
    throw new TypeError('now must be milliseconds, a Date or a function that returns milliseconds');
  }
  return base ?? (() => start);
}
