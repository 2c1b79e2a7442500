import { randomInt } from 'node:crypto';
import { cleanUp } from './clean-up.ts';
import { type Clock, eitherClock, type Instant, sleep, systemClock } from './clock.ts';
import type { KvEntry } from './consul-answer.ts';
import { isTransient } from './consul-failure.ts';
import { type CallLimits, ConsulGate } from './consul-gate.ts';
import { ConsulRequestError, LockAcquisitionError } from './errors.ts';
import { readLockInfo } from './holder.ts';
import { named } from './lease.ts';
import { lifecycle } from './lifecycle.ts';
import { giveBackEntries, type LockEntry, takeEntries, type TakeOutcome } from './lock-entry.ts';
import { fullKeyOf, assertKey, shown } from './lock-key.ts';
import { jittered, retryTransient } from './retry.ts';
import { adoptSession, createSession, goneError, type Session } from './session.ts';
import { endSession, sessionPool } from './session-pool.ts';
import type { Settings } from './settings.ts';

/** What a successful acquisition hands over to the handle. */
export interface Acquired {
  readonly gate: ConsulGate;
  readonly settings: Settings;
  readonly session: Session;
  readonly entries: readonly LockEntry[];
  readonly attempts: number;
  readonly waitedMs: number;
}

export interface AcquisitionRequest {
  readonly settings: Settings;
  readonly keys: readonly string[];
  readonly signal?: AbortSignal | undefined;
  readonly failHard: boolean;
  /** Whether the caller itself holds one of these keys further up; asked when it has to wait. */
  readonly waitsForItself: (fullKeys: readonly string[]) => boolean;
}

/** Consul's limit of a value is far above; this bounds what is sent with every attempt. */
const LARGEST_VALUE = 8 * 1_024;

/** For how long one blocking query waits: short, so that a server that lags or was cut off is asked no longer than that. */
const LONGEST_WAIT_MS = 10_000;

/** Up to this age a session needs no new start of its TTL beside an attempt. */
const FRESH_MS = 50;

/** While a lock delay runs, and after a lost race: a refused attempt costs little then, and the end comes unannounced. */
const SHORT_PAUSES = { firstMs: 20, longestMs: 500 };

type Refused = Extract<TakeOutcome, { kind: 'held' | 'lock-delay' }>;

/**
 * One acquisition, from the first attempt to the handle or to the last trace of it removed.
 *
 * However it ends, it ends once: with `Acquired`, with null (another contender has the lock), or with an error, and
 * then no key and no session of it is left.
 */
export async function acquire(request: AcquisitionRequest): Promise<Acquired | null> {
  const { keys, signal } = request;
  if (lifecycle.isShutDown) throw shutdownError(keys, 0, 0);
  signal?.throwIfAborted();
  const acquisition = new Contender(request).run();
  lifecycle.keep(acquisition);
  return await acquisition;
}

class Contender {
  readonly #settings: Settings;
  readonly #keys: readonly string[];
  readonly #signal: AbortSignal | undefined;
  readonly #failHard: boolean;
  readonly #waitsForItself: AcquisitionRequest['waitsForItself'];
  readonly #gate: ConsulGate;
  readonly #entries: readonly LockEntry[];
  /** Waiting counts by the lease's clock and by the system's: it must end under a test's frozen clock too. */
  readonly #clock: Clock;
  readonly #began: Instant;
  /** Aborts when the acquisition is to end: cancelled, shut down, or out of time. */
  readonly #stop = new AbortController();
  #session: Session | undefined;
  #opening: Promise<Session> | undefined;
  #attempts = 0;
  #lastFailure: ConsulRequestError | undefined;
  #hasWarnedOfDeadlock = false;

  constructor({ settings, keys, signal, failHard, waitsForItself }: AcquisitionRequest) {
    this.#settings = settings;
    this.#keys = keys;
    this.#signal = signal;
    this.#failHard = failHard;
    this.#waitsForItself = waitsForItself;
    this.#gate = new ConsulGate({ ...settings, keys });
    this.#clock = eitherClock(settings.clock, systemClock);
    this.#entries = keys.map((key) => newEntry(key, settings));
    this.#began = this.#clock.read();
  }

  async run(): Promise<Acquired | null> {
    const dispose = this.#watchForTheEnd();
    try {
      const refused = await this.#contend();
      if (refused === undefined) return this.#acquired();
      const [holder] = await Promise.all([
        this.#failHard ? this.#holder(refused) : undefined,
        this.#abandon(),
      ]);
      if (!this.#failHard) return null;
      throw this.#notAcquired(refused, holder);
    } catch (error) {
      await this.#abandon();
      throw error;
    } finally {
      dispose();
    }
  }

  /** Attempts and waits until the keys are ours (undefined), or somebody else's for longer than we wait. */
  async #contend(): Promise<Refused | undefined> {
    let lostRaces = 0;
    for (;;) {
      const outcome = await retryTransient(async () => await this.#attempt(), {
        clock: this.#clock,
        remainingMs: () => this.#budgetMs - this.#waitedMs,
        signal: this.#stop.signal,
        onFailure: (error, attempt) => {
          this.#lastFailure = error;
          this.#settings.logger?.debug({ keys: this.#keys, err: error, attempt }, 'attempt failed');
        },
      });
      this.#settings.logger?.debug({ keys: this.#keys, attempts: this.#attempts }, outcome.kind);
      switch (outcome.kind) {
        case 'taken':
          return undefined;
        case 'conflict':
          throw this.#conflict(outcome.fullKey);
        case 'held':
        case 'lock-delay': {
          if (this.#leftToWaitMs <= 0) return outcome;
          this.#warnOfDeadlock();
          const wait = outcome.kind === 'held' ? await this.#waitUntilFree(outcome.fullKey) : 'not-waited';
          if (wait === 'time-over') return outcome;
          if (wait === 'freed') lostRaces = 0;
          else await this.#pause(++lostRaces, SHORT_PAUSES);
          break;
        }
        case 'session-gone':
          await this.#replaceSession();
          await this.#pauseWithinBudget(++lostRaces);
          break;
        case 'torn':
          await this.#dropSession();
          break;
        case 'changed':
          await this.#pauseWithinBudget(++lostRaces);
          break;
      }
    }
  }

  /** One attempt on a living session, the same in every repetition: same session, same value, same flags. */
  async #attempt(): Promise<TakeOutcome> {
    const session = await this.#livingSession();
    const limits = { signal: this.#stop.signal };
    const [taking, renewing] = await Promise.allSettled([
      session.track(takeEntries(this.#gate, session.id, this.#entries, limits)),
      // Beside the attempt, for it costs Consul no write: waiting must not eat up the lock's life.
      session.ageMs > Math.min(FRESH_MS, session.ttlMs / 10) ? session.renew(this.#gate, limits) : true,
    ]);
    this.#attempts++;
    if (taking.status === 'rejected') throw taking.reason;
    if (taking.value.kind !== 'taken') return taking.value;
    if (renewing.status === 'fulfilled' && !renewing.value) return { kind: 'session-gone' };
    this.#stop.signal.throwIfAborted();
    if (session.ageMs >= session.ttlMs) {
      await this.#dropSession();
      throw new ConsulRequestError(
        `transaction: Consul is unavailable: its answer came after the lock's ${session.ttlMs} ms were over`,
        { code: 'CONSUL_UNAVAILABLE', operation: 'transaction', transient: true, keys: this.#keys },
      );
    }
    return taking.value;
  }

  async #livingSession(): Promise<Session> {
    if (this.#session && this.#session.ageMs >= this.#session.ttlMs) await this.#dropSession();
    if (this.#session) return this.#session;
    const { session: id } = this.#settings;
    this.#session = id === undefined ? sessionPool.take(this.#settings) : undefined;
    if (this.#session) return this.#session;
    // Not ended by a cancellation: only its answer tells which session has to be removed.
    this.#opening =
      id === undefined
        ? createSession(this.#gate, this.#settings)
        : adoptSession(this.#gate, id, this.#settings, { signal: this.#stop.signal });
    const opening = this.#opening;
    this.#session = await unlessAborted(opening, this.#stop.signal);
    this.#opening = undefined;
    return this.#session;
  }

  /** The session is gone in Consul, and fenced by that. */
  async #replaceSession(): Promise<void> {
    const session = this.#session;
    if (session?.isAdopted === true) throw goneError(session.id);
    this.#session = undefined;
    if (session) await endSession(session, this.#gate, this.#settings, { timeoutMs: this.#cleanUpMs });
  }

  /** Ends a session that can or must not be used any longer; for a user's, gives back what it may have taken. */
  async #dropSession(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    if (!session) return;
    const giveBack = async (limits: CallLimits): Promise<unknown> =>
      await giveBackEntries(this.#gate, session.id, this.#entries, this.#settings.behavior, limits);
    if (session.isAdopted) await this.#settle(session, giveBack);
    else {
      await endSession(session, this.#gate, this.#settings, {
        timeoutMs: this.#cleanUpMs,
        giveBackFirst: this.#settings.lockDelayMs > 0 ? giveBack : undefined,
      });
    }
  }

  /**
   * A user's session cannot be ended to fence an attempt that was never answered. The attempt is repeated until it is
   * answered, and what it took is given back.
   */
  async #settle(session: Session, giveBack: (limits: CallLimits) => Promise<unknown>): Promise<void> {
    if (!session.isDoubtful && this.#entries.every(({ token }) => token === 0)) return;
    await cleanUp(
      async (limits) => {
        if (session.isDoubtful) await takeEntries(this.#gate, session.id, this.#entries, limits);
        await giveBack(limits);
      },
      {
        clock: this.#clock,
        timeoutMs: this.#cleanUpMs,
        mootAfterMs: 2 * session.ttlMs,
        onFailure: (error) =>
          this.#settings.logger?.warn(
            { keys: this.#keys, session: session.id, err: error },
            'an attempt on a session of yours is in doubt and is being repeated',
          ),
      },
    );
    // The first attempt may have been overtaken by its own repetition, and land after the giving back.
    lifecycle.keep(
      sleep(this.#clock, this.#settings.requestTimeoutMs, { keepProcessAlive: false })
        .then(async () => await giveBack({ keepProcessAlive: false }))
        .then(
          () => {},
          () => {},
        ),
    );
  }

  /** Leaves nothing behind: called on every way to an end without a handle. */
  async #abandon(): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    if (opening) {
      const orphan = opening.then(
        async (session) => {
          if (!session.isAdopted) await endSession(session, this.#gate, this.#settings);
        },
        () => {},
      );
      lifecycle.keep(orphan);
      await Promise.race([orphan, sleep(this.#clock, this.#cleanUpMs, { keepProcessAlive: false })]);
    }
    await this.#dropSession();
  }

  /**
   * Waits in Consul until the key is no longer held as it is. `not-waited` asks for another attempt after a pause: the key
   * was found free at once, or Consul did not say in the end whether it is.
   */
  async #waitUntilFree(fullKey: string): Promise<'freed' | 'not-waited' | 'time-over'> {
    let index: number | undefined;
    let failures = 0;
    while (this.#leftToWaitMs > 0) {
      try {
        const entry = await this.#readWhileWaiting(fullKey, index);
        failures = 0;
        if (entry?.session === undefined) return index === undefined ? 'not-waited' : 'freed';
        if (index !== undefined && entry.modifyIndex !== index) return 'freed';
        if (index !== undefined) await this.#keepSessionAlive();
        index = entry.modifyIndex;
      } catch (error) {
        this.#stop.signal.throwIfAborted();
        if (!isTransient(error)) throw error;
        if (this.#leftToWaitMs <= 0) break;
        this.#lastFailure = error;
        index = undefined;
        await this.#pause(++failures);
      }
    }
    return failures > 0 ? 'not-waited' : 'time-over';
  }

  async #readWhileWaiting(fullKey: string, afterIndex: number | undefined): Promise<KvEntry | null> {
    const { signal } = this.#stop;
    const { requestTimeoutMs } = this.#gate;
    if (afterIndex === undefined) {
      const timeoutMs = Math.min(requestTimeoutMs, this.#leftToWaitMs);
      return await this.#gate.readKey(fullKey, { consistency: 'default', timeoutMs, signal });
    }
    const waitMs = Math.ceil(Math.min(LONGEST_WAIT_MS, this.#leftToWaitMs, this.#settings.lockTimeoutMs / 2));
    const timeoutMs = Math.min(waitMs + requestTimeoutMs, this.#leftToWaitMs);
    // Any server wakes us up as well as the leader does, and during an election sooner: only the attempt counts.
    return await this.#gate.readKey(fullKey, { consistency: 'stale', afterIndex, waitMs, timeoutMs, signal });
  }

  /** Between two waits: a session that is not renewed would end while its contender waits. */
  async #keepSessionAlive(): Promise<void> {
    const session = this.#session;
    if (!session || session.ageMs < session.ttlMs / 3) return;
    try {
      if (!(await session.renew(this.#gate, { signal: this.#stop.signal }))) await this.#replaceSession();
    } catch (error) {
      if (!isTransient(error)) throw error;
    }
  }

  #watchForTheEnd(): () => void {
    const stop = this.#stop;
    const onAbort = (): void => stop.abort(this.#signal?.reason);
    this.#signal?.addEventListener('abort', onAbort, { once: true });
    const takeBack = lifecycle.onShutDown(() =>
      stop.abort(shutdownError(this.#keys, this.#attempts, this.#waitedMs)),
    );
    const limitMs = this.#budgetMs + this.#settings.requestTimeoutMs;
    const disposeTimer =
      limitMs === Infinity ? () => {} : this.#clock.schedule(limitMs, () => stop.abort(this.#outOfTime()));
    return () => {
      this.#signal?.removeEventListener('abort', onAbort);
      takeBack();
      disposeTimer();
    };
  }

  #warnOfDeadlock(): void {
    if (this.#hasWarnedOfDeadlock || !this.#waitsForItself(this.#fullKeys)) return;
    this.#hasWarnedOfDeadlock = true;
    this.#settings.logger?.warn(
      { keys: this.#keys },
      'waiting for a lock that is held further up in the same call chain: most likely it waits for itself',
    );
  }

  async #pause(round: number, bounds?: { firstMs: number; longestMs: number }): Promise<void> {
    await sleep(this.#clock, Math.min(jittered(round, bounds), this.#leftToWaitMs), {
      signal: this.#stop.signal,
    });
  }

  /** For what is neither contention nor an outage, and must not become a hot loop. */
  async #pauseWithinBudget(round: number): Promise<void> {
    if (round > 1 && this.#waitedMs > this.#budgetMs) throw this.#outOfTime();
    if (round > 1) await sleep(this.#clock, jittered(round), { signal: this.#stop.signal });
  }

  async #holder(refused: Refused): ReturnType<typeof readLockInfo> {
    if (refused.kind !== 'held') return null;
    try {
      return await readLockInfo(this.#gate, refused.fullKey, {
        signal: AbortSignal.timeout(this.#cleanUpMs),
      });
    } catch {
      // It only adds to an error that is thrown anyway.
      return null;
    }
  }

  #acquired(): Acquired {
    const session = this.#session;
    if (!session) throw new Error('an acquisition without a session');
    return {
      gate: this.#gate,
      settings: this.#settings,
      session,
      entries: this.#entries,
      attempts: this.#attempts,
      waitedMs: this.#waitedMs,
    };
  }

  #notAcquired(
    refused: Refused,
    holder: Awaited<ReturnType<typeof readLockInfo>> | undefined,
  ): LockAcquisitionError {
    const isDeadlock = this.#waitsForItself(this.#fullKeys);
    const why =
      refused.kind === 'lock-delay'
        ? 'its lock delay is running'
        : `another contender has ${refused.fullKey}${holder?.sessionId === undefined ? '' : ` (session ${holder.sessionId})`}`;
    return new LockAcquisitionError(
      `the lock on ${named(this.#keys)} was not acquired within ${this.#settings.acquireTimeoutMs} ms: ${why}` +
        (isDeadlock ? '; it is held further up in the same call chain, so that it waited for itself' : ''),
      {
        code: isDeadlock ? 'LOCK_DEADLOCK' : 'LOCK_NOT_ACQUIRED',
        keys: this.#keys,
        attempts: this.#attempts,
        waitedMs: Math.round(this.#waitedMs),
        holder: holder ?? undefined,
      },
    );
  }

  #conflict(fullKey: string): LockAcquisitionError {
    return new LockAcquisitionError(
      `the lock on ${named(this.#keys)} cannot be acquired: there is data under ${fullKey} that never was a lock; it is left as it is`,
      {
        code: 'LOCK_CONFLICT',
        keys: this.#keys,
        attempts: this.#attempts,
        waitedMs: Math.round(this.#waitedMs),
      },
    );
  }

  #outOfTime(): ConsulRequestError {
    return (
      this.#lastFailure ??
      new ConsulRequestError(
        `transaction: Consul is unavailable: no definite answer within ${Math.round(this.#waitedMs)} ms`,
        { code: 'CONSUL_UNAVAILABLE', operation: 'transaction', transient: true, keys: this.#keys },
      )
    );
  }

  get #fullKeys(): readonly string[] {
    return this.#entries.map(({ fullKey }) => fullKey);
  }

  get #waitedMs(): number {
    return this.#clock.elapsedSince(this.#began);
  }

  get #leftToWaitMs(): number {
    return this.#settings.acquireTimeoutMs - this.#waitedMs;
  }

  /** For how long transient failures are retried. */
  get #budgetMs(): number {
    return Math.max(this.#settings.acquireTimeoutMs, this.#settings.retryTimeoutMs);
  }

  /** The limit of a clean-up before the promise settles. */
  get #cleanUpMs(): number {
    return this.#settings.requestTimeoutMs;
  }
}

/** The value is made once, so that a repeated attempt is the same attempt. */
function newEntry(key: string, { lockKeyPattern, generateValue }: Settings): LockEntry {
  const fullKey = fullKeyOf(lockKeyPattern, key);
  assertKey(fullKey, 'key (in lockKeyPattern)');
  const generated: unknown = generateValue(key);
  if (typeof generated !== 'string' && !Buffer.isBuffer(generated)) {
    throw new TypeError(`generateValue: must return a string or a Buffer; got ${shown(generated)}`);
  }
  const value = Buffer.from(generated as string);
  if (value.length > LARGEST_VALUE) {
    throw new RangeError(
      `generateValue: must return at most ${LARGEST_VALUE} bytes; got ${value.length} for '${key}'`,
    );
  }
  return { key, fullKey, value, flags: randomInt(1, 2 ** 48 - 1), token: 0, pendingFlags: new Set() };
}

function shutdownError(keys: readonly string[], attempts: number, waitedMs: number): LockAcquisitionError {
  return new LockAcquisitionError(
    `the lock on ${named(keys)} was not acquired: the process is shutting down`,
    { code: 'LOCK_SHUTDOWN', keys, attempts, waitedMs: Math.round(waitedMs) },
  );
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let dispose = (): void => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    dispose = () => signal.removeEventListener('abort', onAbort);
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    dispose();
  }
}
