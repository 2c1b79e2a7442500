import type { LockHandle } from '../../../lib/index.ts';
import { type Attempt, fullKeyOf } from './attempt.ts';
import { EPSILON, KEYS, type Stage } from './stage.ts';
import { registerOf } from './uses.ts';
import type { WorldProcess } from './world-process.ts';

/** The timer of a lease counts whole milliseconds. */
const TIMER_SLACK_MS = 1;

/** Looks at what must hold at any moment. */
export class Lookout {
  readonly #stage: Stage;
  readonly #registers = new Map<string, number>();

  constructor(stage: Stage) {
    this.#stage = stage;
    stage.server.onWrite(() => stage.guard(() => this.#lookAtRegisters()));
  }

  /** @param waking - a process that goes on after a pause, before anything else of it has run. */
  look(waking?: WorldProcess): void {
    this.#stage.isStirred = false;
    this.#stage.guard(() => {
      const { attempts, operations, terms } = this.#stage;
      for (const operation of operations) this.#stage.assertInTime(operation);
      const held: Attempt[] = [];
      for (const attempt of attempts) {
        const { process, handle, state } = attempt;
        const isWaking = process === waking;
        if (process.clock.isPaused && !isWaking) continue;
        if (state === 'pending' && !isWaking) this.#stage.assertInTime(attempt);
        if (!handle) continue;
        if (!isWaking) this.#lookAtSignal(attempt);
        if (terms.isWatchful && this.#isHeld(attempt, handle)) held.push(attempt);
      }
      this.#assertAlone(held);
    });
  }

  /** It aborts by itself, whether or not anybody reads the clock. */
  #lookAtSignal(attempt: Attempt): void {
    const { signal, isReleaseAsked } = attempt;
    if (!signal || signal.aborted || isReleaseAsked) return;
    if (this.#stage.now > this.#stage.latestDeadline(attempt) + TIMER_SLACK_MS) {
      throw attempt.breach('has a signal that did not abort in time');
    }
  }

  #isHeld(attempt: Attempt, handle: LockHandle): boolean {
    const { remainingMs, isHeld } = handle;
    if (isHeld !== remainingMs > 0) throw attempt.breach(`has ${remainingMs} ms left, held: ${isHeld}`);
    if (!isHeld) {
      attempt.wasHeld = false;
      return false;
    }
    if (!attempt.wasHeld) throw attempt.breach('is held again');
    if (attempt.isReleaseAsked) throw attempt.breach('is held after its release was asked for');
    this.#assertDeadline(attempt, remainingMs);
    if (!this.#stage.isDisturbed(attempt)) this.#assertOwner(attempt, handle);
    return true;
  }

  /** Counted from before the request that started it, and never beyond the ceiling. */
  #assertDeadline(attempt: Attempt, remainingMs: number): void {
    const { acquiredAt, lock } = attempt;
    const deadline = this.#stage.now + remainingMs;
    const tooLateMs = deadline - this.#stage.latestDeadline(attempt);
    if (tooLateMs > EPSILON) throw attempt.breach(`has ${tooLateMs} ms more than its session`);
    const maxHoldMs = typeof lock.renew === 'object' ? lock.renew.maxHoldMs : Infinity;
    if (deadline > acquiredAt + maxHoldMs + EPSILON) throw attempt.breach('has more than it may hold');
  }

  #assertOwner(attempt: Attempt, { sessionId }: LockHandle): void {
    for (const key of attempt.fullKeys) {
      const holder = this.#stage.server.holderOf(key);
      if (holder?.session === sessionId && this.#stage.has(attempt, key)) continue;
      throw attempt.breach(`is held, and ${key} is ${holder ? `that of ${holder.value}` : 'free'}`);
    }
  }

  #assertAlone(held: readonly Attempt[]): void {
    for (const [index, one] of held.entries()) {
      for (const other of held.slice(index + 1)) {
        if (one.rivals(other) && !this.#mayOverlap(one) && !this.#mayOverlap(other)) {
          throw one.breach(`is held, and so is ${other.name}`);
        }
        if (one.handle!.sessionId === other.handle!.sessionId && !one.lock.isAdopted) {
          throw one.breach(`has the session of ${other.name}`);
        }
      }
    }
  }

  /** A lock delay of the TTL or more keeps others out until the deadline of a holder whose session was ended. */
  #mayOverlap(attempt: Attempt): boolean {
    const { isForced, terms } = this.#stage;
    if (!this.#stage.isDisturbed(attempt)) return false;
    const isDelayed = attempt.disturbance === 'session ended' && terms.lockDelayMs >= terms.ttlMs;
    return isForced || attempt.lock.isAdopted || !isDelayed;
  }

  /** Nothing is written by a handle that no longer has its lock. */
  #lookAtRegisters(): void {
    for (const key of KEYS) {
      const entry = this.#stage.server.entry(registerOf(key));
      if (!entry || entry.modifyIndex === this.#registers.get(key)) continue;
      this.#registers.set(key, entry.modifyIndex);
      const writer = this.#stage.attemptOf(entry.value.toString())!;
      const lost = writer.fullKeys.find((fullKey) => !this.#stage.has(writer, fullKey));
      if (lost !== undefined) throw writer.breach(`wrote after it had lost ${fullKeyOf(key)}`);
    }
  }
}
