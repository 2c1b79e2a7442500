import type { Clock, Instant } from './clock.ts';
import { sleep } from './sleep.ts';
import { jittered } from './retry.ts';
import type { StopSignal } from './stop.ts';

/** How long an acquisition has waited, and for how long it waits on. */
export class Patience {
  readonly clock: Clock;
  /** Aborts when the acquisition is to end. */
  readonly signal: StopSignal;
  /** For how long transient failures are retried. */
  readonly budgetMs: number;
  readonly #settings: { waitingClock: Clock; acquireTimeoutMs: number; retryTimeoutMs: number };
  readonly #acquireTimeoutMs: number;
  readonly #began: Instant;

  constructor(
    settings: { waitingClock: Clock; acquireTimeoutMs: number; retryTimeoutMs: number },
    signal: StopSignal,
    began: Instant = settings.waitingClock.read(),
  ) {
    this.#settings = settings;
    this.clock = settings.waitingClock;
    this.signal = signal;
    this.budgetMs = Math.max(settings.acquireTimeoutMs, settings.retryTimeoutMs);
    this.#acquireTimeoutMs = settings.acquireTimeoutMs;
    this.#began = began;
  }

  /** The same patience, ended by another signal. */
  endedBy(signal: StopSignal): Patience {
    return new Patience(this.#settings, signal, this.#began);
  }

  get waitedMs(): number {
    return this.clock.elapsedSince(this.#began);
  }

  /** For another holder; negative when the time is over. */
  get leftToWaitMs(): number {
    return this.#acquireTimeoutMs - this.waitedMs;
  }

  /** For Consul's transient failures; negative when the time is over. */
  get leftToRetryMs(): number {
    return this.budgetMs - this.waitedMs;
  }

  async sleep(delayMs: number): Promise<void> {
    await sleep(this.clock, delayMs, { signal: this.signal });
  }

  /** A jittered pause that grows with every round, and ends when the time to wait is over. */
  async pause(round: number, bounds?: { firstMs: number; longestMs: number }): Promise<void> {
    await this.sleep(Math.min(jittered(round, bounds), Math.max(0, this.leftToWaitMs)));
  }
}
