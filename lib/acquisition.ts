import {
  conflictError,
  noAnswerError,
  notAcquiredError,
  shutdownError,
  type Standing,
  tooLateError,
} from './acquisition-errors.ts';
import { sleep } from './sleep.ts';
import { comeFree, type Contended, letOthersGo } from './coming-free.ts';
import type { CallLimits, ConsulGate } from './consul-gate.ts';
import { ContenderSession } from './contender-session.ts';
import type { ConsulRequestError } from './errors.ts';
import { readLockInfo } from './holder.ts';
import { type HolderHere, type HoldersHere, holdersHereOf } from './holders-here.ts';
import { lifecycle } from './lifecycle.ts';
import type { LockEntry } from './lock-entry.ts';
import type { LockTerms } from './lock-terms.ts';
import type { Lot } from './lot.ts';
import { newEntries } from './new-entry.ts';
import type { HeldEntry } from './ownership.ts';
import { Patience } from './patience.ts';
import { jittered, retryTransient } from './retry.ts';
import type { Session } from './session.ts';
import type { Settings } from './settings.ts';
import { takeEntries, type TakeOutcome } from './taking.ts';
import { joinLine, lineOf, type Place } from './waiting-line.ts';
import { Stop } from './stop.ts';

export interface AcquisitionRequest {
  readonly terms: LockTerms;
  readonly signal?: AbortSignal | undefined;
  readonly failHard: boolean;
  /** Whether the caller itself holds one of their keys further up; asked when it has to wait. */
  readonly waitsForItself: (terms: LockTerms) => boolean;
  /** Told how it stood when it ended, however that was. */
  readonly onEnd?: ((standing: Standing) => void) | undefined;
}

/** So often what is neither contention nor an outage is tried again, however little time there is. */
const FREE_ROUNDS = 4;

/** While a lock delay runs: a refused attempt costs little then, and the end comes unannounced. */
const SHORT_PAUSES = { firstMs: 20, longestMs: 500 };

type Refused = Extract<TakeOutcome, { kind: 'held' | 'lock-delay' }>;

type Taken = { readonly kind: 'taken'; readonly session: Session };

type Attempted = Taken | Exclude<TakeOutcome, { kind: 'taken' }>;

/**
 * One acquisition, from the first attempt to the handle or to the last trace of it removed.
 *
 * However it ends, it ends once: with what `enter` makes of it, with null (another contender has the lock), or with an
 * error, and then no key and no session of it is left.
 *
 * @param enter - called before the next of this process is let forward.
 */
export function acquire<T>(request: AcquisitionRequest, enter: (lot: Lot) => T): Promise<T | null> {
  const { terms, signal } = request;
  if (lifecycle.isShutDown) throw shutdownError({ keys: terms.keys, attempts: 0, waitedMs: 0 });
  signal?.throwIfAborted();
  const contender = new Contender(request);
  return new Promise<T | null>((resolve, reject) => {
    lifecycle.keep(contender.run((lot) => resolve(lot && enter(lot)), reject));
  });
}

class Contender {
  readonly #terms: LockTerms;
  readonly #settings: Settings;
  readonly #signal: AbortSignal | undefined;
  readonly #failHard: boolean;
  readonly #waitsForItself: AcquisitionRequest['waitsForItself'];
  readonly #onEnd: AcquisitionRequest['onEnd'];
  readonly #gate: ConsulGate;
  readonly #entries: readonly LockEntry[];
  readonly #patience: Patience;
  readonly #session: ContenderSession;
  readonly #holders: HoldersHere;
  /** Among those of this process who wait; undefined for who does not wait. */
  readonly #place: Place | undefined;
  /** Aborts when the acquisition is to end: cancelled, shut down, or out of time. */
  readonly #stop = new Stop();
  #attempts = 0;
  #lastFailure: ConsulRequestError | undefined;
  #hasWarnedOfDeadlock = false;
  #leaving: Promise<void> | undefined;

  constructor({ terms, signal, failHard, waitsForItself, onEnd }: AcquisitionRequest) {
    const { settings } = terms;
    this.#terms = terms;
    this.#settings = settings;
    this.#signal = signal;
    this.#failHard = failHard;
    this.#waitsForItself = waitsForItself;
    this.#onEnd = onEnd;
    this.#gate = terms.gate;
    this.#entries = newEntries(terms);
    this.#patience = new Patience(settings, this.#stop.signal);
    this.#session = new ContenderSession(terms, { entries: this.#entries, signal: this.#stop.signal });
    this.#holders = holdersHereOf(settings.client, settings.dc);
    this.#place = settings.acquireTimeoutMs === 0 ? undefined : joinLine({ terms, entries: this.#entries });
  }

  /** Settles when all of it is over, which may be later than the caller is told. Never rejects. */
  async run(tell: (lot: Lot | null) => void, fail: (error: unknown) => void): Promise<void> {
    const dispose = this.#watchForTheEnd();
    this.#place?.whenServed((lot) => {
      if (this.#stop.signal.aborted) return false;
      this.#attempts++;
      dispose();
      this.#onEnd?.(this.#standing);
      tell(lot);
      return true;
    });
    try {
      this.#stop.signal.throwIfAborted();
      const outcome = await this.#contend();
      if (outcome.kind === 'handed-over') return;
      if (outcome.kind === 'taken') {
        this.#stop.signal.throwIfAborted();
        tell({ terms: this.#terms, session: outcome.session, entries: this.#entries });
        return;
      }
      const [holder] = await Promise.all([
        this.#failHard ? this.#holder(outcome) : undefined,
        this.#leaveNothing(),
      ]);
      if (!this.#failHard) {
        tell(null);
        return;
      }
      const isDeadlock = this.#waitsForItself(this.#terms);
      const { acquireTimeoutMs } = this.#settings;
      throw notAcquiredError(this.#standing, acquireTimeoutMs, outcome, { holder, isDeadlock });
    } catch (error) {
      // It has the lock, whatever comes after that.
      if (this.#place?.isServed === true) return;
      await this.#leaveNothing();
      fail(error);
    } finally {
      if (this.#place?.isServed === true) this.#session.setAside();
      else {
        this.#place?.leave();
        dispose();
        this.#onEnd?.(this.#standing);
      }
    }
  }

  /** Attempts and waits until the keys are ours, or somebody else's for longer than we wait. */
  async #contend(): Promise<Taken | Refused | { kind: 'handed-over' }> {
    let [delayed, rounds] = [0, 0];
    const looking = this.#lookAround();
    let refused = looking && (await looking);
    let looksFree = false;
    for (;;) {
      const isAttempt = refused === undefined;
      const outcome = refused ?? (await this.#retried(() => this.#attempt()));
      if (isAttempt) {
        this.#settings.logger?.debug({ keys: this.#terms.keys, attempts: this.#attempts }, outcome.kind);
      }
      refused = undefined;
      switch (outcome.kind) {
        case 'taken':
          return outcome;
        case 'conflict':
          throw conflictError(this.#standing, outcome.fullKey);
        case 'held': {
          if (isAttempt && looksFree) this.#place?.turns.lostRace();
          if (!this.#place || (isAttempt && this.#patience.leftToWaitMs <= 0)) return outcome;
          this.#warnOfDeadlock();
          const contended = this.#contendedFor(this.#place, outcome.fullKey, outcome.found);
          const coming = await comeFree(contended);
          if (this.#place.isServed) return { kind: 'handed-over' };
          // It may be handed over in the very moment in which it is found free, or found held for the last time.
          const isBeingServed = this.#place.serving !== undefined;
          if (coming === 'still-held' && !isBeingServed) return outcome;
          looksFree = true;
          this.#place.turns.cameFree();
          const gone = isBeingServed ? {} : await letOthersGo(contended);
          if (gone) refused = { kind: 'held', fullKey: outcome.fullKey, ...gone };
          if (this.#place.isServed) return { kind: 'handed-over' };
          break;
        }
        case 'lock-delay':
          if (this.#patience.leftToWaitMs <= 0) return outcome;
          await this.#patience.pause(++delayed, SHORT_PAUSES);
          break;
        case 'session-gone':
          await this.#session.replaceGone();
          await this.#pauseWithinBudget(++rounds);
          break;
        case 'torn':
          await this.#retried(async () => await this.#session.startAnew());
          await this.#pauseWithinBudget(++rounds);
          break;
        case 'changed':
          await this.#pauseWithinBudget(++rounds);
          break;
      }
    }
  }

  /** What can be known without a write, which a refused attempt costs too; undefined when an attempt is worth it. */
  #lookAround(): Refused | Promise<Refused | undefined> | undefined {
    const place = this.#place;
    const { fullKeys } = this.#terms;
    if (!place) return this.#lookOnce();
    const [fullKey = ''] = fullKeys;
    const occupied = this.#holders.occupiedAmong(fullKeys);
    if (!place.isFirst || occupied !== undefined) return { kind: 'held', fullKey: occupied ?? fullKey };
    const letting = letOthersGo(this.#contendedFor(place, fullKey));
    return letting?.then((gone) => gone && { kind: 'held', fullKey, ...gone });
  }

  /** Without waiting, where one of this process has the lock or waits for it; it stands for the attempt if it is held. */
  #lookOnce(): Promise<Refused | undefined> | undefined {
    const { fullKeys } = this.#terms;
    const heldHere = this.#holders.heldAmong(fullKeys);
    if (heldHere === undefined && lineOf(this.#terms) === undefined) return undefined;
    return this.#lookFor(heldHere ?? fullKeys[0] ?? '');
  }

  async #lookFor(fullKey: string): Promise<Refused | undefined> {
    const entry = await this.#retried(
      async () => await this.#gate.readKey(fullKey, { consistency: 'default', ...this.#limits() }),
    );
    if (entry?.session === undefined) return undefined;
    this.#attempts++;
    return { kind: 'held', fullKey };
  }

  #retried<T>(attempt: () => Promise<T>): Promise<T> {
    return retryTransient(attempt, {
      clock: this.#patience.clock,
      remainingMs: () => this.#patience.leftToRetryMs,
      signal: this.#stop.signal,
      onFailure: (error, attemptNumber) => {
        this.#lastFailure = error;
        this.#settings.logger?.debug(
          { keys: this.#terms.keys, err: error, attempt: attemptNumber },
          'attempt failed',
        );
      },
    });
  }

  /** One attempt on a living session, the same in every repetition: same session, same value, same flags. */
  async #attempt(): Promise<Attempted> {
    const atHand = this.#session.takeAtHand();
    const session = atHand ?? (await this.#session.alive());
    // Made so slowly that its TTL is over: a renewal would come too late, whoever answers it.
    if (!atHand && !session.isAdopted && session.ageMs >= session.ttlMs) return { kind: 'session-gone' };
    const { clock } = this.#patience;
    const began = clock.read();
    this.#attempts++;
    // Waiting must not eat up the lock's life.
    const { answer, isGone } = await session.sendRenewing(
      this.#gate,
      (sent) => takeEntries(this.#gate, session.id, this.#entries, sent),
      this.#limits(),
    );
    this.#lastFailure = undefined;
    if (answer.kind === 'held' && answer.isOwnSession === true && !session.isAdopted) {
      // An outsider has written over what an earlier attempt took. To wait for its end would be to wait for ourselves.
      return { kind: 'torn' };
    }
    if (answer.kind !== 'taken') return answer;
    if (isGone) return { kind: 'session-gone' };
    const proving = this.#dispossessOthers();
    if (proving && (await proving)) return { kind: session.isAdopted ? 'torn' : 'session-gone' };
    this.#stop.signal.throwIfAborted();
    if (session.ageMs >= session.ttlMs) {
      await this.#session.tooLate();
      throw tooLateError(this.#standing, session.ttlMs);
    }
    this.#place?.turns.won(clock.elapsedSince(began), this.#entries[0]?.token ?? 0);
    return { kind: 'taken', session };
  }

  /**
   * Whoever of this process still counts on the keys that we have taken has lost them, but for one that took them after us, when
   * somebody had freed ours before its answer came: true if there is one.
   */
  #dispossessOthers(): Promise<boolean> | undefined {
    const later = this.#holders.dispossess(this.#entries);
    return later && this.#isOvertakenBy(later);
  }

  async #isOvertakenBy(holder: HolderHere): Promise<boolean> {
    await this.#retried(async () => await holder.prove());
    return holder.isHeld || (await this.#dispossessOthers()) === true;
  }

  #contendedFor(place: Place, fullKey: string, found?: HeldEntry): Contended {
    return {
      place,
      holders: this.#holders,
      gate: this.#gate,
      session: this.#session,
      patience: this.#patience,
      fullKeys: this.#terms.fullKeys,
      fullKey,
      found,
    };
  }

  /** On every way to an end without a handle, and once: what was handed over is given back only once. Never rejects. */
  async #leaveNothing(): Promise<void> {
    this.#leaving ??= this.#leave();
    await this.#leaving;
  }

  async #leave(): Promise<void> {
    const { waitingClock, requestTimeoutMs } = this.#settings;
    this.#place?.leave();
    // What is being handed over to who has left is given back by who hands it over.
    const serving = this.#place?.serving;
    await Promise.all([
      serving && Promise.race([serving, sleep(waitingClock, requestTimeoutMs, { keepProcessAlive: false })]),
      this.#session.abandon(),
    ]);
  }

  #watchForTheEnd(): () => void {
    const stop = this.#stop;
    const onAbort = (): void => stop.abort(this.#signal?.reason);
    const onShutDown = (): void => stop.abort(shutdownError(this.#standing));
    // What a user's function did while it made the values.
    if (this.#signal?.aborted === true) onAbort();
    if (lifecycle.isShutDown) onShutDown();
    this.#signal?.addEventListener('abort', onAbort, { once: true });
    const takeBack = lifecycle.onShutDown(onShutDown);
    const limitMs = this.#patience.budgetMs + this.#settings.requestTimeoutMs;
    const disposeTimer =
      limitMs === Infinity
        ? () => {}
        : this.#patience.clock.schedule(limitMs, () =>
            stop.abort(this.#lastFailure ?? noAnswerError(this.#standing)),
          );
    return () => {
      this.#signal?.removeEventListener('abort', onAbort);
      takeBack();
      disposeTimer();
    };
  }

  #warnOfDeadlock(): void {
    if (this.#hasWarnedOfDeadlock || !this.#waitsForItself(this.#terms)) return;
    this.#hasWarnedOfDeadlock = true;
    this.#settings.logger?.warn(
      { keys: this.#terms.keys },
      'waiting for a lock that is held further up in the same call chain: most likely it waits for itself',
    );
  }

  /** For what is neither contention nor an outage, and must not become a hot loop. */
  async #pauseWithinBudget(round: number): Promise<void> {
    if (round > FREE_ROUNDS && this.#patience.waitedMs > this.#patience.budgetMs) {
      throw this.#lastFailure ?? noAnswerError(this.#standing);
    }
    if (round > 1) await this.#patience.sleep(jittered(round, SHORT_PAUSES));
  }

  async #holder(refused: Refused): ReturnType<typeof readLockInfo> {
    if (refused.kind !== 'held') return null;
    try {
      return await readLockInfo(this.#gate, refused.fullKey, {
        signal: AbortSignal.timeout(this.#settings.requestTimeoutMs),
        lane: 'contending',
      });
    } catch {
      // It only adds to an error that is thrown anyway.
      return null;
    }
  }

  #limits(): CallLimits {
    return { signal: this.#stop.signal, lane: 'contending' };
  }

  get #standing(): Standing {
    return { keys: this.#terms.keys, attempts: this.#attempts, waitedMs: this.#patience.waitedMs };
  }
}
