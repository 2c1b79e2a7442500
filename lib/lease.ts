import type { Clock, Instant } from './clock.ts';
import { LockLostError, LockNotHeldError, type LossReason } from './errors.ts';

export interface LeaseTerms {
  readonly keys: readonly string[];
  readonly clock: Clock;
  /** Before the request was sent that last started the session's TTL. */
  readonly startedAt: Instant;
  readonly ttlMs: number;
  /** `Infinity` without a ceiling. */
  readonly maxHoldMs: number;
}

type State =
  | { readonly kind: 'held' }
  | { readonly kind: 'lost'; readonly error: LockLostError }
  /** From the moment that a release was asked for. */
  | { readonly kind: 'released' };

/**
 * The time for which a lock is ours. It ends by the clock, by proof of loss or by a release, whichever comes first, and
 * what has ended never begins again, whatever Consul answers later.
 */
export class Lease {
  readonly acquiredAt: Instant;
  readonly #keys: readonly string[];
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #maxHoldMs: number;
  #onEnd: readonly (() => void)[] = [];
  #startedAt: Instant;
  /** From when its deadline was last set to that deadline. */
  #grantedMs: number;
  #state: State = { kind: 'held' };
  #heldMs: number | undefined;
  #disposeTimer: () => void = () => {};
  #controller: AbortController | undefined;

  constructor({ keys, clock, startedAt, ttlMs, maxHoldMs }: LeaseTerms) {
    this.#keys = keys;
    this.#clock = clock;
    this.#ttlMs = ttlMs;
    this.#maxHoldMs = maxHoldMs;
    this.#startedAt = startedAt;
    this.acquiredAt = clock.read();
    this.#grantedMs = this.#untilDeadlineMs();
    this.#watchClock(this.#grantedMs);
  }

  /** Whole milliseconds to the deadline; 0 once it is over. */
  get remainingMs(): number {
    if (this.#state.kind !== 'held') return 0;
    const leftMs = Math.floor(this.#untilDeadlineMs());
    if (leftMs > 0) return leftMs;
    // At once and for good: a clock that is set back later must not give the lock back to us.
    this.lose('expired');
    return 0;
  }

  get isHeld(): boolean {
    return this.remainingMs > 0;
  }

  /** Until its end, which is never later than the deadline, however late that is noticed. */
  get heldMs(): number {
    if (this.#heldMs !== undefined) return this.#heldMs;
    const pastDeadlineMs = Math.max(0, -this.#untilDeadlineMs());
    return Math.max(0, this.#clock.elapsedSince(this.acquiredAt) - pastDeadlineMs);
  }

  /** How much of the time that was left when the deadline was last set has been used: 0 to 1. */
  get usedShare(): number {
    return this.isHeld ? 1 - this.#untilDeadlineMs() / this.#grantedMs : 1;
  }

  /** What ended it early or late; undefined while it is held, and after a release. */
  get lostBy(): LockLostError | undefined {
    return this.isHeld || this.#state.kind !== 'lost' ? undefined : this.#state.error;
  }

  get isReleased(): boolean {
    return this.#state.kind === 'released';
  }

  /** Throws `LockLostError` or `LockNotHeldError`. */
  assertHeld(action: string): void {
    const lost = this.lostBy;
    if (lost) throw lost;
    if (this.isReleased) {
      throw new LockNotHeldError(`${action}: the lock on ${named(this.#keys)} was released before`, {
        keys: this.#keys,
      });
    }
  }

  /** Aborts once, when the lock is lost; never because of a release. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    const lost = this.lostBy;
    if (lost) this.#controller.abort(lost);
    return this.#controller.signal;
  }

  /** Reads the clock for a renewal; to be taken before its request is sent. */
  readClock(): Instant {
    return this.#clock.read();
  }

  /** Counts the TTL from `startedAt`. False when it was over before. */
  extend(startedAt: Instant): boolean {
    if (!this.isHeld) return false;
    const leftMs = this.#untilDeadlineMs();
    this.#startedAt = startedAt;
    const extendedMs = this.#untilDeadlineMs();
    // At the ceiling of `maxHoldMs` a renewal gives no more time.
    if (extendedMs > leftMs + 1) this.#grantedMs = extendedMs;
    this.#watchClock(extendedMs);
    return true;
  }

  lose(reason: LossReason): void {
    if (this.#state.kind !== 'held') return;
    const error = this.lossError(reason);
    this.#end({ kind: 'lost', error });
    this.#controller?.abort(error);
  }

  lossError(reason: LossReason): LockLostError {
    return new LockLostError(
      `the lock on ${named(this.#keys)} was lost after ${Math.round(this.heldMs)} ms: ${EXPLAINED[reason]}`,
      { keys: this.#keys, reason },
    );
  }

  /** Aborts the signal to tell the holder to stop, while the lock stays held until it is given back. */
  abortSignal(reason: LossReason): void {
    if (this.#state.kind !== 'held') return;
    this.#controller ??= new AbortController();
    this.#controller.abort(
      new LockLostError(`the lock on ${named(this.#keys)} is about to be given back: ${EXPLAINED[reason]}`, {
        keys: this.#keys,
        reason,
      }),
    );
  }

  release(): void {
    if (this.#state.kind === 'held') this.#end({ kind: 'released' });
  }

  /** Runs `callback` once when the lease ends, by loss or release; the answer takes it back. */
  onEnd(callback: () => void): () => void {
    if (this.#state.kind !== 'held') callback();
    else this.#onEnd = [...this.#onEnd, callback];
    return () => {
      this.#onEnd = this.#onEnd.filter((other) => other !== callback);
    };
  }

  #end(state: State): void {
    this.#heldMs = this.heldMs;
    this.#state = state;
    this.#disposeTimer();
    const callbacks = this.#onEnd;
    this.#onEnd = [];
    for (const callback of callbacks) callback();
  }

  #untilDeadlineMs(): number {
    return Math.min(
      this.#ttlMs - this.#clock.elapsedSince(this.#startedAt),
      this.#maxHoldMs - this.#clock.elapsedSince(this.acquiredAt),
    );
  }

  #watchClock(leftMs: number): void {
    this.#disposeTimer();
    this.#disposeTimer = this.#clock.schedule(
      Math.ceil(leftMs),
      () => {
        if (this.isHeld) this.#watchClock(this.#untilDeadlineMs());
      },
      { keepProcessAlive: false },
    );
  }
}

const EXPLAINED: Record<LossReason, string> = {
  expired: 'its time ran out',
  'session-invalidated': 'its session was ended',
  'key-deleted': 'its key was deleted',
  taken: 'its key was taken by another session',
  shutdown: 'the process is shutting down',
};

/** Keys as they stand in a message. */
export function named(keys: readonly string[]): string {
  return keys.map((key) => `'${key}'`).join(', ');
}
