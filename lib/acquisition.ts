import { setMaxListeners } from 'node:events';
import { ConsulGate } from './consul-gate.ts';
import { ContenderSession } from './contender-session.ts';
import { ConsulRequestError, LockAcquisitionError } from './errors.ts';
import { readLockInfo } from './holder.ts';
import { named } from './lease.ts';
import { lifecycle } from './lifecycle.ts';
import { LockEntry } from './lock-entry.ts';
import { assertKey, fullKeyOf, shown } from './lock-key.ts';
import { Patience } from './patience.ts';
import { jittered, retryTransient } from './retry.ts';
import type { Session } from './session.ts';
import type { Settings } from './settings.ts';
import { takeEntries, type TakeOutcome } from './taking.ts';
import { waitUntilFree } from './waiting.ts';

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

/** So often what is neither contention nor an outage is tried again, however little time there is. */
const FREE_ROUNDS = 4;

/** Up to this age a session needs no new start of its TTL beside an attempt. */
const FRESH_MS = 50;

/** While a lock delay runs, and after a lost race: a refused attempt costs little then, and the end comes unannounced. */
const SHORT_PAUSES = { firstMs: 20, longestMs: 500 };

type Refused = Extract<TakeOutcome, { kind: 'held' | 'lock-delay' }>;

interface Taken {
  readonly kind: 'taken';
  readonly session: Session;
}

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
  readonly #patience: Patience;
  readonly #session: ContenderSession;
  /** Aborts when the acquisition is to end: cancelled, shut down, or out of time. */
  readonly #stop = new AbortController();
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
    // Every request of the acquisition listens to it.
    setMaxListeners(0, this.#stop.signal);
    this.#entries = keys.map((key) => newEntry(key, settings));
    this.#patience = new Patience(settings, this.#stop.signal);
    this.#session = new ContenderSession(this.#gate, settings, {
      entries: this.#entries,
      signal: this.#stop.signal,
    });
  }

  async run(): Promise<Acquired | null> {
    const dispose = this.#watchForTheEnd();
    try {
      const outcome = await this.#contend();
      if (outcome.kind === 'taken') return this.#acquired(outcome.session);
      const [holder] = await Promise.all([
        this.#failHard ? this.#holder(outcome) : undefined,
        this.#session.abandon(),
      ]);
      if (!this.#failHard) return null;
      throw this.#notAcquired(outcome, holder);
    } catch (error) {
      await this.#session.abandon();
      throw error;
    } finally {
      dispose();
    }
  }

  /** Attempts and waits until the keys are ours, or somebody else's for longer than we wait. */
  async #contend(): Promise<Taken | Refused> {
    let pauses = 0;
    for (;;) {
      const outcome = await retryTransient(async () => await this.#attempt(), {
        clock: this.#patience.clock,
        remainingMs: () => this.#patience.leftToRetryMs,
        signal: this.#stop.signal,
        onFailure: (error, attempt) => {
          this.#lastFailure = error;
          this.#settings.logger?.debug({ keys: this.#keys, err: error, attempt }, 'attempt failed');
        },
      });
      this.#settings.logger?.debug({ keys: this.#keys, attempts: this.#attempts }, outcome.kind);
      switch (outcome.kind) {
        case 'taken':
          return outcome;
        case 'conflict':
          throw this.#conflict(outcome.fullKey);
        case 'held':
        case 'lock-delay': {
          if (this.#patience.leftToWaitMs <= 0) return outcome;
          this.#warnOfDeadlock();
          const wait = outcome.kind === 'held' ? await this.#waitUntilFree(outcome.fullKey) : 'not-waited';
          if (wait === 'still-held') return outcome;
          if (wait === 'freed') pauses = 0;
          else await this.#patience.pause(++pauses, SHORT_PAUSES);
          break;
        }
        case 'session-gone':
          await this.#session.replaceGone();
          await this.#pauseWithinBudget(++pauses);
          break;
        case 'torn':
          await this.#session.startAnew();
          await this.#pauseWithinBudget(++pauses);
          break;
        case 'changed':
          await this.#pauseWithinBudget(++pauses);
          break;
      }
    }
  }

  /** One attempt on a living session, the same in every repetition: same session, same value, same flags. */
  async #attempt(): Promise<Taken | Exclude<TakeOutcome, { kind: 'taken' }>> {
    const session = await this.#session.alive();
    const limits = { signal: this.#stop.signal };
    const [taking, renewing] = await Promise.allSettled([
      session.send(async (sent) => await takeEntries(this.#gate, session.id, this.#entries, sent), limits),
      // Beside the attempt, for it costs Consul no write: waiting must not eat up the lock's life.
      session.ageMs > Math.min(FRESH_MS, session.ttlMs / 10) ? session.renew(this.#gate, limits) : true,
    ]);
    this.#attempts++;
    if (taking.status === 'rejected') throw taking.reason;
    if (taking.value.kind !== 'taken') return taking.value;
    if (renewing.status === 'fulfilled' && !renewing.value) return { kind: 'session-gone' };
    this.#stop.signal.throwIfAborted();
    if (session.ageMs >= session.ttlMs) {
      await this.#session.tooLate();
      throw new ConsulRequestError(
        `transaction: Consul is unavailable: its answer came after the lock's ${session.ttlMs} ms were over`,
        { code: 'CONSUL_UNAVAILABLE', operation: 'transaction', transient: true, keys: this.#keys },
      );
    }
    return { kind: 'taken', session };
  }

  async #waitUntilFree(fullKey: string): ReturnType<typeof waitUntilFree> {
    return await waitUntilFree({
      gate: this.#gate,
      patience: this.#patience,
      session: this.#session,
      fullKey,
    });
  }

  #watchForTheEnd(): () => void {
    const stop = this.#stop;
    const onAbort = (): void => stop.abort(this.#signal?.reason);
    this.#signal?.addEventListener('abort', onAbort, { once: true });
    const takeBack = lifecycle.onShutDown(() =>
      stop.abort(shutdownError(this.#keys, this.#attempts, this.#patience.waitedMs)),
    );
    const limitMs = this.#patience.budgetMs + this.#settings.requestTimeoutMs;
    const disposeTimer =
      limitMs === Infinity
        ? () => {}
        : this.#patience.clock.schedule(limitMs, () => stop.abort(this.#outOfTime()));
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

  /** For what is neither contention nor an outage, and must not become a hot loop. */
  async #pauseWithinBudget(round: number): Promise<void> {
    if (round > FREE_ROUNDS && this.#patience.waitedMs > this.#patience.budgetMs) throw this.#outOfTime();
    if (round > 1) await this.#patience.sleep(jittered(round, SHORT_PAUSES));
  }

  async #holder(refused: Refused): ReturnType<typeof readLockInfo> {
    if (refused.kind !== 'held') return null;
    try {
      return await readLockInfo(this.#gate, refused.fullKey, {
        signal: AbortSignal.timeout(this.#settings.requestTimeoutMs),
      });
    } catch {
      // It only adds to an error that is thrown anyway.
      return null;
    }
  }

  #acquired(session: Session): Acquired {
    return {
      gate: this.#gate,
      settings: this.#settings,
      session,
      entries: this.#entries,
      attempts: this.#attempts,
      waitedMs: this.#patience.waitedMs,
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
        waitedMs: Math.round(this.#patience.waitedMs),
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
        waitedMs: Math.round(this.#patience.waitedMs),
      },
    );
  }

  #outOfTime(): ConsulRequestError {
    return (
      this.#lastFailure ??
      new ConsulRequestError(
        `transaction: Consul is unavailable: no definite answer within ${Math.round(this.#patience.waitedMs)} ms`,
        { code: 'CONSUL_UNAVAILABLE', operation: 'transaction', transient: true, keys: this.#keys },
      )
    );
  }

  get #fullKeys(): readonly string[] {
    return this.#entries.map(({ fullKey }) => fullKey);
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
  return new LockEntry(key, fullKey, value);
}

export function shutdownError(
  keys: readonly string[],
  attempts: number,
  waitedMs: number,
): LockAcquisitionError {
  return new LockAcquisitionError(
    `the lock on ${named(keys)} was not acquired: the process is shutting down`,
    { code: 'LOCK_SHUTDOWN', keys, attempts, waitedMs: Math.round(waitedMs) },
  );
}
