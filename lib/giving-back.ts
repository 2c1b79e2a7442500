import { cleanUp } from './clean-up.ts';
import { type Clock, eitherClock, systemClock } from './clock.ts';
import { isAmbiguous, isTransient } from './consul-failure.ts';
import type { CallLimits, ConsulGate } from './consul-gate.ts';
import { ConsulRequestError, type LossReason } from './errors.ts';
import { named } from './lease.ts';
import { giveBackEntries, type LockEntry } from './lock-entry.ts';
import { retryTransient } from './retry.ts';
import { endSession, sessionPool } from './session-pool.ts';
import type { Session } from './session.ts';
import type { Settings } from './settings.ts';

/**
 * Gives a lock back, and its session with it: to the pool when everything ever sent on it was answered, and otherwise to
 * its end, because only that keeps a late request from landing.
 */
export class GivingBack {
  readonly #gate: ConsulGate;
  readonly #settings: Settings;
  readonly #session: Session;
  readonly #entries: readonly LockEntry[];
  readonly #clock: Clock;
  /** Whether an earlier try may have been carried out without our knowing. */
  #isInDoubt = false;

  constructor(lock: {
    gate: ConsulGate;
    settings: Settings;
    session: Session;
    entries: readonly LockEntry[];
  }) {
    this.#gate = lock.gate;
    this.#settings = lock.settings;
    this.#session = lock.session;
    this.#entries = lock.entries;
    this.#clock = eitherClock(lock.settings.clock, systemClock);
  }

  /**
   * Gives back, and says how the lock was lost, if it was; settles within `retryTimeoutMs` + `requestTimeoutMs`.
   *
   * @param validForMs - how long it is still ours by the clock; 0 when it is lost: then there is nothing but the tidying.
   */
  async run(validForMs: number): Promise<'given-back' | LossReason> {
    const { requestTimeoutMs, retryTimeoutMs } = this.#settings;
    if (validForMs <= 0 && !this.#isInDoubt) {
      await this.#tidyUp(requestTimeoutMs);
      return 'expired';
    }
    const limitMs = retryTimeoutMs + requestTimeoutMs;
    const began = this.#clock.read();
    const elapsedMs = (): number => this.#clock.elapsedSince(began);
    const stop = new AbortController();
    const dispose = this.#clock.schedule(limitMs, () => stop.abort(this.#couldNotTell(limitMs)));
    try {
      const answer = await retryTransient(async () => await this.#try({ signal: stop.signal }), {
        clock: this.#clock,
        remainingMs: () => retryTimeoutMs - elapsedMs(),
        signal: stop.signal,
      });
      if (answer === 'given-back' && !this.#session.isDoubtful) {
        if (!this.#session.isAdopted) sessionPool.giveBack(this.#session, this.#gate, this.#settings);
        return answer;
      }
      await this.#tidyUp(Math.max(1, limitMs - elapsedMs()));
      // After a try that was never answered, a key that is no longer ours is one that we gave back.
      return this.#isInDoubt && elapsedMs() < validForMs ? 'given-back' : answer;
    } catch (error) {
      if (isTransient(error)) void this.#tidyUp(requestTimeoutMs);
      throw error;
    } finally {
      dispose();
    }
  }

  async #try(limits: CallLimits): Promise<'given-back' | LossReason> {
    const { behavior } = this.#settings;
    try {
      return await this.#session.track(
        giveBackEntries(this.#gate, this.#session.id, this.#entries, behavior, limits),
      );
    } catch (error) {
      this.#isInDoubt ||= isAmbiguous(error);
      throw error;
    }
  }

  /** Leaves neither key nor session behind; tried once, then in the background. */
  async #tidyUp(timeoutMs: number): Promise<void> {
    const { lockDelayMs, behavior } = this.#settings;
    const giveBack = async (limits: CallLimits): Promise<unknown> =>
      await giveBackEntries(this.#gate, this.#session.id, this.#entries, behavior, limits);
    if (!this.#session.isAdopted) {
      // The end of a session that holds a key starts the lock delay, and leaves the key to the session's own behavior.
      const giveBackFirst = lockDelayMs > 0 ? giveBack : undefined;
      await endSession(this.#session, this.#gate, this.#settings, { timeoutMs, giveBackFirst });
      return;
    }
    await cleanUp(async (limits) => void (await giveBack(limits)), {
      clock: this.#clock,
      timeoutMs,
      mootAfterMs: 2 * this.#session.ttlMs,
    });
  }

  #couldNotTell(limitMs: number): ConsulRequestError {
    return new ConsulRequestError(
      `transaction: Consul is unavailable: it could not be told within ${limitMs} ms that the lock on ` +
        `${named(this.#entries.map(({ key }) => key))} is given back`,
      {
        code: 'CONSUL_UNAVAILABLE',
        operation: 'transaction',
        transient: true,
        keys: this.#entries.map(({ key }) => key),
      },
    );
  }
}
