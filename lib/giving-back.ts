import type { Clock, Instant } from './clock.ts';
import { isAmbiguous, isTransient } from './consul-failure.ts';
import type { CallLimits } from './consul-gate.ts';
import { ConsulRequestError, type LossReason } from './errors.ts';
import { named } from './lease.ts';
import { lifecycle } from './lifecycle.ts';
import { retryTransient } from './retry.ts';
import { giveBackEntries } from './returning.ts';
import { sessionPool } from './session-pool.ts';
import type { Settings } from './settings.ts';
import { type Leftover, tidyUp } from './tidy-up.ts';

/**
 * Gives a lock back, and its session with it: to the pool when everything ever sent on it was answered, and otherwise to
 * its end, because only that keeps a late request from landing.
 */
export class GivingBack {
  readonly #lock: Leftover;
  readonly #settings: Settings;
  readonly #clock: Clock;
  #firstAsked: Instant | undefined;
  /** Whether a try may have been carried out without our knowing. */
  #isInDoubt = false;
  /** Whether the session is being ended because of a try that failed. */
  #isTidiedUp = false;

  constructor(lock: Leftover) {
    this.#lock = lock;
    this.#settings = lock.settings;
    this.#clock = lock.settings.waitingClock;
  }

  /**
   * Gives back, and says how the lock was lost, if it was; settles within `retryTimeoutMs` + `requestTimeoutMs`.
   *
   * @param validForMs - how long it was still ours by the clock when its release was first asked for; 0 when it was lost:
   * then there is nothing but the tidying.
   */
  async run(validForMs: number): Promise<'given-back' | LossReason> {
    const { requestTimeoutMs, retryTimeoutMs } = this.#settings;
    this.#firstAsked ??= this.#clock.read();
    const firstAsked = this.#firstAsked;
    const isOver = (): boolean => this.#clock.elapsedSince(firstAsked) >= validForMs;
    const limitMs = retryTimeoutMs + requestTimeoutMs;
    const began = this.#clock.read();
    const leftMs = (): number => limitMs - this.#clock.elapsedSince(began);
    const stop = new AbortController();
    const dispose = this.#clock.schedule(limitMs, () => stop.abort(this.#couldNotTell(limitMs)));
    try {
      // Past the deadline it is lost, whatever Consul would say: also when only a repetition comes too late.
      const attempt = async (): Promise<'given-back' | LossReason> =>
        isOver() ? 'expired' : await this.#try({ signal: stop.signal });
      const answer = await retryTransient(attempt, {
        clock: this.#clock,
        remainingMs: () => leftMs() - requestTimeoutMs,
        signal: stop.signal,
      });
      const { session, gate } = this.#lock;
      if (answer === 'given-back' && !session.isDoubtful && !session.isAdopted) {
        sessionPool.giveBack(session, gate, this.#settings);
      } else if (answer !== 'given-back' || session.isDoubtful) {
        await tidyUp(this.#lock, Math.max(1, leftMs()));
      }
      return this.#isOurDoing(answer) && !isOver() ? 'given-back' : answer;
    } catch (error) {
      if (isTransient(error)) {
        this.#isTidiedUp = true;
        lifecycle.keep(tidyUp(this.#lock, requestTimeoutMs));
      }
      throw error;
    } finally {
      dispose();
    }
  }

  /**
   * After a try that was never answered, a key that is no longer ours is one that we gave back. A session that is gone was
   * ended by somebody else, unless by our own tidying.
   */
  #isOurDoing(answer: 'given-back' | LossReason): boolean {
    return answer === 'session-invalidated' ? this.#isTidiedUp : this.#isInDoubt || this.#isTidiedUp;
  }

  async #try(limits: CallLimits): Promise<'given-back' | LossReason> {
    const { gate, session, entries } = this.#lock;
    try {
      return await session.send(
        async (sent) => await giveBackEntries(gate, session.id, entries, this.#settings.behavior, sent),
        limits,
      );
    } catch (error) {
      this.#isInDoubt ||= limits.signal?.aborted === true || isAmbiguous(error);
      throw error;
    }
  }

  #couldNotTell(limitMs: number): ConsulRequestError {
    const keys = this.#lock.entries.map(({ key }) => key);
    return new ConsulRequestError(
      `transaction: Consul is unavailable: it could not be told within ${limitMs} ms that the lock on ` +
        `${named(keys)} is given back`,
      {
        code: 'CONSUL_UNAVAILABLE',
        operation: 'transaction',
        transient: true,
        keys,
      },
    );
  }
}
