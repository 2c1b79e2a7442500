import { systemClock } from './system-clock.ts';
import type { KvResult } from './consul-answer.ts';
import type { CallLimits, KvOperation } from './consul-gate.ts';
import { ConsulRequestError, type LockLostError, type LossReason } from './errors.ts';
import { events, type ReleaseMessage } from './events.ts';
import { GivingBack } from './giving-back.ts';
import { checkedOperations, writeGuarded } from './guarded-write.ts';
import { HeldHere } from './held-here.ts';
import { holdersHereOf } from './holders-here.ts';
import { Lease, named } from './lease.ts';
import { lifecycle } from './lifecycle.ts';
import type { LockEntry } from './lock-entry.ts';
import { watchForLoss } from './loss-watch.ts';
import type { Lot } from './lot.ts';
import { merged } from './merged.ts';
import { checkEntries } from './ownership.ts';
import { keepRenewing, renewLease } from './renewal.ts';
import { retryWithin } from './retry.ts';
import { Stop, type StopSignal } from './stop.ts';

/** Made once: an error costs more than all else that a release does here. */
const ENDED = new Error('the lock has ended');

/** A holder that used more of its time would have lost the lock by a little more. */
const NEARLY_ALL = 0.8;

/** Gives a lock back at the end of `hold`, without rejecting, and says how it was lost, if it was. */
export let endHold: (handle: LockHandle) => Promise<LockLostError | undefined>;

/** For how long it is, or was, held: whole milliseconds. */
export let heldMsOf: (handle: LockHandle) => number;

/** What a holder has: one acquisition of a lock, from then until it is released or lost. */
export class LockHandle implements AsyncDisposable {
  /** The first of `keys`. */
  readonly key: string;
  /** The first of `fullKeys`. */
  readonly fullKey: string;
  /** The keys as they were asked for. */
  readonly keys: readonly string[];
  /** The keys in Consul. */
  readonly fullKeys: readonly string[];
  /** The Consul session that holds the lock. */
  readonly sessionId: string;
  readonly #lease: Lease;
  readonly #lot: Lot;
  #givingBack: GivingBack | undefined;
  /** Tells those of this process who wait for it that it is given back or lost. */
  readonly #leaveHere: () => void;
  /** Aborts what is done in the background for the holder, if anything is: watching, renewing. */
  #background: Stop | undefined;
  #isWatched = false;
  #renewing: Promise<void> | undefined;
  #releasing: Promise<boolean> | undefined;
  #isReleased = false;
  /** It is near its deadline, and the log has said so. */
  #isInHaste = false;
  /** From its release on, whatever becomes of the key. */
  #lastToken: number | undefined;
  /** How the lock turned out to be lost when it was to be given back. */
  #lossAtRelease: LockLostError | undefined;

  static {
    endHold = async (handle) => {
      const wasReleasedBefore = handle.#lease.isReleased;
      await handle[Symbol.asyncDispose]();
      return wasReleasedBefore ? undefined : handle.#lossAtRelease;
    };
    heldMsOf = (handle) => Math.round(handle.#lease.heldMs);
  }

  /** @internal */
  constructor(lot: Lot) {
    const { terms, session } = lot;
    const { settings } = terms;
    const { clock, maxHoldMs, renews } = settings;
    this.keys = terms.keys;
    this.fullKeys = terms.fullKeys;
    this.key = this.keys[0] as string;
    this.fullKey = this.fullKeys[0] as string;
    this.sessionId = session.id;
    this.#lease = new Lease({
      keys: this.keys,
      clock,
      startedAt: session.startedAt,
      ttlMs: session.ttlMs,
      maxHoldMs,
    });
    this.#lot = lot;
    const check = async (): Promise<'ours' | LossReason> => await this.#check({});
    this.#leaveHere = holdersHereOf(settings.client, settings.dc).add(new HeldHere(lot, this.#lease, check));
    const forget = lifecycle.addHolding({
      warnOfShutdown: () => this.#lease.abortSignal('shutdown'),
      end: async () => {
        this.#lease.lose('shutdown');
        await this.release();
      },
    });
    this.#lease.onEnd(() => {
      forget();
      this.#onEnd();
    });
    if (renews) this.#keepRenewing();
  }

  /** When it was acquired. */
  get acquiredAt(): Date {
    return new Date(this.#lease.acquiredAt.wallMs);
  }

  /**
   * Strictly greater than every token given before for any of the keys in this datacenter and raft history: the
   * `ModifyIndex` of this acquisition, or of the lock's last rewriting by `transaction` (source: Consul's index grows
   * with every write, measured over kill -9 and leader changes).
   */
  get fencingToken(): number {
    return this.#lastToken ?? this.#token();
  }

  #token(): number {
    return Math.max(...this.#lot.entries.map(({ token }) => token));
  }

  /**
   * How long the lock is still ours as far as its TTL goes, in whole milliseconds; 0 once released or lost. Counted from
   * before the request that last started the TTL was sent, by the larger of monotonic and wall-clock time.
   */
  get remainingMs(): number {
    return this.#lease.remainingMs;
  }

  /**
   * Whether the lock is ours, by the clock: never true past the deadline, and false from the moment that `release()` is
   * called. What can end a lock sooner is told by `signal` and `verify`.
   */
  get isHeld(): boolean {
    return this.#lease.isHeld;
  }

  /** Throws `LockLostError` or `LockNotHeldError` unless the lock is held. */
  assertHeld(): void {
    this.#lease.assertHeld('assertHeld');
  }

  /**
   * Aborts once, with a `LockLostError` as its reason, when the lock is lost; never because of a release. At a `shutdown` it
   * aborts while the lock is still held, to tell that it is about to be given back. Consul is watched from the first reading on.
   */
  get signal(): AbortSignal {
    const { signal } = this.#lease;
    if (!this.#isWatched && this.#lease.isHeld) {
      this.#isWatched = true;
      for (const entry of this.#lot.entries) this.#watch(entry);
    }
    return signal;
  }

  /**
   * Asks Consul, consistently, whether the lock is still ours; false for good once it is released or lost. Rejects with
   * `ConsulRequestError` when Consul cannot tell.
   */
  async verify(): Promise<boolean> {
    if (!this.#lease.isHeld) return false;
    const state = await retryWithin(this.#lot.terms.settings, async () => await this.#check({}));
    if (state !== 'ours') this.#lease.lose(state);
    return this.#lease.isHeld;
  }

  /**
   * Starts the TTL anew. Rejects with `LockLostError` when it is too late, with `LockNotHeldError` after a release, and
   * with `ConsulRequestError` when Consul did not answer; the lock is still held then until its old deadline.
   */
  async renew(): Promise<void> {
    // What it waits for may be a renewal in the background, and that does not keep the process alive.
    const keepAlive = systemClock.schedule(Infinity, () => {});
    try {
      await retryWithin(this.#lot.terms.settings, async () => await this.#renewOnce({}));
    } finally {
      keepAlive();
    }
  }

  /**
   * Commits KV operations (full keys) in one Consul transaction that is refused once the lock is no longer ours, so that
   * a late holder cannot make it. At most 64 operations, less 2 for each key of the lock. A `set` on the lock's own key
   * moves the fencing token. Another key that it locks with `sessionId` is freed with the release, by the session's end. Resolves
   * to Consul's results, a row for each operation that yields one.
   *
   * Rejects with `TypeError` or `RangeError` for wrong operations, `LockLostError`, `LockNotHeldError`, `CONSUL_REJECTED` for an
   * operation refused, `CONSUL_DENIED` where the token may not write a key, or `CONSUL_UNAVAILABLE`, after which it may have been
   * carried out: it is never sent twice. `CONSUL_REJECTED` is `transient` when a
   * server that has come back counts anew the lock delay of a former holder (measured on 1.8.7): the lock is held, but its own
   * key cannot be rewritten until that is over.
   */
  async transaction(operations: readonly KvOperation[]): Promise<readonly KvResult[]> {
    const checked = checkedOperations(operations, this.#lot.entries);
    const { session } = this.#lot;
    // Used again, the session would keep such a key locked after the release.
    if (!session.isAdopted && checked.some(({ KV: { Verb: verb } }) => verb === 'lock')) session.condemn();
    for (let round = 0; round < 2;) {
      this.#lease.assertHeld('transaction');
      const token = this.#token();
      const outcome = await this.#lot.session.send(
        async (limits) =>
          await writeGuarded(this.#lot.terms.gate, this.sessionId, this.#lot.entries, checked, limits),
        {},
      );
      if (outcome.kind === 'committed') return outcome.results;
      const state = await retryWithin(this.#lot.terms.settings, async () => await this.#check({}));
      if (state !== 'ours') this.#lease.lose(state);
      if (outcome.kind === 'lock-delay') {
        this.#lease.assertHeld('transaction');
        throw outcome.error;
      }
      // Our own rewritings may be sent side by side, and each of them moves the token that the others are guarded by.
      if (this.#token() === token) round++;
    }
    this.#lease.assertHeld('transaction');
    throw new ConsulRequestError(
      `transaction: Consul rejected the request: a key of the lock on ${named(this.keys)} was rewritten by somebody else`,
      { code: 'CONSUL_REJECTED', operation: 'transaction', transient: false, keys: this.keys },
    );
  }

  /**
   * Gives the lock back. Resolves to true when it was still ours, to false when it was lost or released before, or when
   * its time was over before Consul could be told; concurrent calls share one request. Rejects with `ConsulRequestError`
   * only when Consul could not be told; a later call tries again, and without one the TTL frees the keys.
   */
  async release(): Promise<boolean> {
    if (this.#isReleased) return false;
    const givingBack = this.#givingBack ?? this.#stopHolding();
    if (!this.#releasing) {
      this.#releasing = this.#release(givingBack);
      lifecycle.keep(this.#releasing);
    }
    return await this.#releasing;
  }

  /** `release()` that never rejects: a failure is logged at `warn`. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.release();
    } catch (error) {
      this.#lot.terms.settings.logger?.warn(
        { keys: this.keys, session: this.sessionId, err: error },
        'could not release a lock',
      );
    }
  }

  /** Before the log and the subscribers: whatever they do, the lock is not held from now on, and its time runs. */
  #stopHolding(): GivingBack {
    const askedAt = this.#lot.terms.settings.waitingClock.read();
    const { usedShare, remainingMs } = this.#lease;
    // Who listens to `signal` may release the lock in the moment in which it is found to be over.
    if (this.#givingBack) return this.#givingBack;
    this.#givingBack = new GivingBack(this.#lot, remainingMs, askedAt);
    this.#lastToken = this.#token();
    this.#lease.release();
    if (remainingMs > 0) this.#warnOfHaste(usedShare, remainingMs);
    return this.#givingBack;
  }

  async #release(givingBack: GivingBack): Promise<boolean> {
    try {
      return await (events.release.hasSubscribers
        ? this.#tellOfRelease(givingBack)
        : this.#giveBack(givingBack));
    } finally {
      this.#releasing = undefined;
    }
  }

  async #tellOfRelease(givingBack: GivingBack): Promise<boolean> {
    const message: ReleaseMessage = {
      keys: this.keys,
      fullKeys: this.fullKeys,
      heldMs: heldMsOf(this),
      marginMs: givingBack.validForMs,
      stillOurs: undefined,
    };
    // Only then: a subscriber that releases the lock itself joins this release.
    await Promise.resolve();
    return await events.release.tracePromise(
      async () => (message.stillOurs = await this.#giveBack(givingBack)),
      message,
    );
  }

  async #giveBack(givingBack: GivingBack): Promise<boolean> {
    let answer;
    try {
      answer = await givingBack.run();
    } finally {
      this.#leaveHere();
    }
    this.#isReleased = true;
    if (answer === 'given-back') return true;
    const { lostBy } = this.#lease;
    // A release that only came through too late says nothing against the work that was done in time.
    if (lostBy || answer !== 'expired') this.#lossAtRelease = lostBy ?? this.#lease.lossError(answer);
    if (!lostBy) this.#tellOfLoss(this.#lease.lossError(answer));
    return false;
  }

  async #check(limits: CallLimits): Promise<'ours' | LossReason> {
    return await checkEntries(this.#lot.terms.gate, this.sessionId, this.#lot.entries, limits);
  }

  /** One renewal at a time, whoever asked for it. */
  async #renewOnce(limits: CallLimits): Promise<void> {
    this.#renewing ??= this.#startAnew(limits).finally(() => {
      this.#renewing = undefined;
    });
    try {
      await this.#renewing;
    } catch (error) {
      // A release ends a renewal that is under way; what counts then is that.
      if (this.#backgroundSignal.aborted) this.#lease.assertHeld('renew');
      throw error;
    }
  }

  async #startAnew(limits: CallLimits): Promise<void> {
    const { gate } = this.#lot.terms;
    const check = async (checkLimits: CallLimits): Promise<'ours' | LossReason> =>
      await this.#check(checkLimits);
    const renewable = { gate, session: this.#lot.session, lease: this.#lease, check };
    const { usedShare, remainingMs } = this.#lease;
    await renewLease(renewable, merged(limits, { signal: this.#backgroundSignal }));
    this.#warnOfHaste(usedShare, remainingMs);
    if (!events.renew.hasSubscribers) return;
    events.renew.publish({
      keys: this.keys,
      fullKeys: this.fullKeys,
      remainingMs: this.#lease.remainingMs,
    });
  }

  #keepRenewing(): void {
    void keepRenewing(async () => await this.#renewOnce({ keepProcessAlive: false }), {
      clock: this.#lot.terms.settings.clock,
      session: this.#lot.session,
      signal: this.#backgroundSignal,
    });
  }

  #watch(entry: LockEntry): void {
    void watchForLoss({
      gate: this.#lot.terms.gate,
      clock: this.#lot.terms.settings.waitingClock,
      fullKey: entry.fullKey,
      check: async (limits) => await checkEntries(this.#lot.terms.gate, this.sessionId, [entry], limits),
      onLoss: (reason) => this.#lease.lose(reason),
      signal: this.#backgroundSignal,
    });
  }

  get #backgroundSignal(): StopSignal {
    if (!this.#background) {
      this.#background = new Stop();
      if (!this.#lease.isHeld) this.#background.abort(ENDED);
    }
    return this.#background.signal;
  }

  #onEnd(): void {
    this.#background?.abort(ENDED);
    if (!this.#lease.lostBy) return;
    this.#leaveHere();
    this.#tellOfLoss(this.#lease.lostBy);
  }

  #tellOfLoss({ reason }: LockLostError): void {
    const { keys, fullKeys } = this;
    this.#lot.terms.settings.logger?.warn({ keys, session: this.sessionId, reason }, 'lost a lock');
    if (events.lost.hasSubscribers) events.lost.publish({ keys, fullKeys, reason });
  }

  #warnOfHaste(usedShare: number, remainingMs: number): void {
    const wasWarned = this.#isInHaste;
    this.#isInHaste = this.#lease.usedShare > NEARLY_ALL;
    if (usedShare <= NEARLY_ALL || wasWarned) return;
    this.#lot.terms.settings.logger?.warn(
      { keys: this.keys, session: this.sessionId, heldMs: heldMsOf(this), remainingMs },
      'used more than 80 % of the time of a lock',
    );
  }
}
