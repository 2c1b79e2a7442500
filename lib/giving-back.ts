import { setImmediate as nextRound } from 'node:timers/promises';
import type { Clock, Instant } from './clock.ts';
import { isAmbiguous, isTransient } from './consul-failure.ts';
import type { CallLimits } from './consul-gate.ts';
import { ConsulRequestError, type LossReason } from './errors.ts';
import { named } from './lease.ts';
import { handOver, heirOf } from './hand-over.ts';
import { lifecycle } from './lifecycle.ts';
import type { Lot } from './lot.ts';
import { checkEntries } from './ownership.ts';
import { retryTransient } from './retry.ts';
import { giveBackEntries } from './returning.ts';
import { sessionPool } from './session-pool.ts';
import type { Settings } from './settings.ts';
import { tidyUp } from './tidy-up.ts';
import { knownTurnsOf } from './turns.ts';
import type { Place } from './waiting-line.ts';
import { Stop } from './stop.ts';

type Answer = 'given-back' | LossReason;

/**
 * Gives a lock back: to the first of this process that waits for it, with its session, and otherwise to Consul. Then the
 * session goes to the pool when everything ever sent on it was answered, and else to its end, because only that keeps a
 * late request from landing.
 */
export class GivingBack {
  readonly validForMs: number;
  readonly #lock: Lot;
  readonly #settings: Settings;
  readonly #clock: Clock;
  readonly #firstAsked: Instant;
  /** Whether a try may have been carried out without our knowing. */
  #isInDoubt = false;
  /** Whether the session is being ended by us. */
  #isTidiedUp = false;
  /** Whether it was still ours when its session was to be ended. */
  #wasOurs = false;
  /** Nothing is left to be tidied up: the session went with the lock to another here, or was ended to give it back. */
  #settledBy: 'handing-over' | 'end' | undefined;

  /**
   * To be made when the release is first asked for.
   *
   * @param validForMs - how long it is still ours by the clock; 0 when it is lost: then there is nothing but the tidying.
   * @param askedAt - read before that, by the clock that waiting counts by.
   */
  constructor(lock: Lot, validForMs: number, askedAt: Instant = lock.terms.settings.waitingClock.read()) {
    this.#lock = lock;
    this.validForMs = validForMs;
    this.#settings = lock.terms.settings;
    this.#clock = this.#settings.waitingClock;
    this.#firstAsked = askedAt;
  }

  /** Gives back, and says how the lock was lost, if it was; settles within `retryTimeoutMs` + `requestTimeoutMs`. */
  async run(): Promise<Answer> {
    const { requestTimeoutMs, retryTimeoutMs } = this.#settings;
    const limitMs = retryTimeoutMs + requestTimeoutMs;
    const began = this.#clock.read();
    const leftMs = (): number => limitMs - this.#clock.elapsedSince(began);
    const stop = new Stop();
    const limits: CallLimits = { signal: stop.signal };
    const dispose = this.#clock.schedule(limitMs, () => stop.abort(this.#couldNotTell(limitMs)));
    try {
      const answer = await retryTransient(() => this.#attempt(limits), {
        clock: this.#clock,
        remainingMs: () => leftMs() - requestTimeoutMs,
        signal: stop.signal,
      });
      const { session, terms } = this.#lock;
      sessionPool.noteRelease(terms);
      knownTurnsOf(this.#settings.client, terms.name)?.gaveBack();
      // The answer to the end of a session does not tell when it came; that of a handing over proves that the lock was ours.
      if (this.#settledBy === 'end') return this.#isOver() ? 'expired' : answer;
      if (this.#settledBy === 'handing-over') return answer;
      if (answer === 'given-back' && !session.isDoubtful && !session.isAdopted) {
        sessionPool.giveBack(session, terms);
      } else if (answer !== 'given-back' || session.isDoubtful) {
        await tidyUp(this.#lock, Math.max(1, leftMs()), 'holding');
      }
      return this.#isOurDoing(answer) && !this.#isOver() ? 'given-back' : answer;
    } catch (error) {
      if (isTransient(error)) {
        this.#isTidiedUp = true;
        lifecycle.keep(tidyUp(this.#lock, requestTimeoutMs, 'holding'));
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
  #isOurDoing(answer: Answer): boolean {
    return answer === 'session-invalidated' ? this.#isTidiedUp : this.#isInDoubt || this.#isTidiedUp;
  }

  #isOver(): boolean {
    return this.#clock.elapsedSince(this.#firstAsked) >= this.validForMs;
  }

  async #attempt(limits: CallLimits): Promise<Answer> {
    // Past the deadline it is lost, whatever Consul would say: also when only a repetition comes too late.
    if (this.#isOver()) return 'expired';
    const heir = lifecycle.isShutDown ? undefined : heirOf(this.#lock);
    if (heir && (await this.#passOn(heir, limits))) return 'given-back';
    if (this.#endsSession()) return await this.#tryByEnd(limits);
    const { terms, session, entries } = this.#lock;
    try {
      return await session.send(
        (sent) => giveBackEntries(terms.gate, session.id, entries, this.#settings.behavior, sent),
        limits,
      );
    } catch (error) {
      this.#isInDoubt ||= limits.signal?.aborted === true || isAmbiguous(error);
      throw error;
    }
  }

  /**
   * Not with a lock delay, which the end of a session that holds a key starts; nor with behavior 'release', where it leaves a
   * key that somebody has written to as if it never was a lock.
   */
  #endsSession(): boolean {
    const { terms, session } = this.#lock;
    const { behavior, lockDelayMs } = this.#settings;
    if (this.#wasOurs) return true;
    if (session.isAdopted || session.isDoubtful || lockDelayMs > 0 || behavior === 'release') return false;
    return !sessionPool.isWanted(terms);
  }

  /**
   * The end of a session that nobody is likely to need gives its keys back by the same write. Consul's answer to that does
   * not say whether they were still ours, which is why it is asked before.
   */
  async #tryByEnd(limits: CallLimits): Promise<Answer> {
    const { terms, session, entries } = this.#lock;
    if (!this.#wasOurs) {
      const state = await checkEntries(terms.gate, session.id, entries, limits);
      if (state !== 'ours') return state;
      this.#wasOurs = true;
      session.condemn();
    }
    await terms.gate.destroySession(session.id, limits);
    this.#settledBy = 'end';
    return 'given-back';
  }

  /** To one who waits here. Whatever goes wrong with that, the lock is then given back in Consul. */
  async #passOn(heir: Place, limits: CallLimits): Promise<boolean> {
    const tellHeir = heir.serve();
    let orphan: Promise<unknown> | undefined;
    try {
      const handed = await handOver(this.#lock, heir, limits);
      if (handed.kind === 'refused') return false;
      this.#settledBy = 'handing-over';
      if (handed.kind === 'orphaned') {
        const { lot } = handed;
        orphan = new GivingBack(lot, lot.session.ttlMs - lot.session.ageMs).run().catch(() => {});
        lifecycle.keep(orphan);
      }
      // The heir goes first: what is left to do here can be done while its own request is under way.
      await nextRound();
      return true;
    } catch {
      // No doubt of ours: what it has left, if anything, is found to be ours, and it never removes a key.
      limits.signal?.throwIfAborted();
      return false;
    } finally {
      if (orphan) void orphan.then(tellHeir);
      else tellHeir();
    }
  }

  #couldNotTell(limitMs: number): ConsulRequestError {
    const { keys } = this.#lock.terms;
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
