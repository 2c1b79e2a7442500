import { sleep } from './sleep.ts';
import { isTransient } from './consul-failure.ts';
import type { ConsulGate } from './consul-gate.ts';
import { lifecycle } from './lifecycle.ts';
import type { LockEntry } from './lock-entry.ts';
import type { LockTerms } from './lock-terms.ts';
import type { HeldEntry } from './ownership.ts';
import { giveBackEntries } from './returning.ts';
import { adoptSession, createSession, goneError, type Session } from './session.ts';
import { endSession, sessionPool } from './session-pool.ts';
import type { Settings } from './settings.ts';
import { tidyUp } from './tidy-up.ts';
import type { StopSignal } from './stop.ts';

const ABANDONED = new Error('no session is needed any more');

/** The session that a contender tries with: made or adopted when it is needed, and never left behind. */
export class ContenderSession {
  readonly #terms: LockTerms;
  readonly #gate: ConsulGate;
  readonly #settings: Settings;
  readonly #entries: readonly LockEntry[];
  /** Aborts when the acquisition is to end. */
  readonly #signal: StopSignal;
  #session: Session | undefined;
  #opening: Promise<Session> | undefined;
  #isAbandoned = false;

  constructor(terms: LockTerms, { entries, signal }: { entries: readonly LockEntry[]; signal: StopSignal }) {
    this.#terms = terms;
    this.#gate = terms.gate;
    this.#settings = terms.settings;
    this.#entries = entries;
    this.#signal = signal;
  }

  get ttlMs(): number {
    return this.#session?.ttlMs ?? this.#settings.lockTimeoutMs;
  }

  /**
   * Whether this key is held by an attempt of ours: one that was never answered, and was carried out late. On a user's
   * session, somebody else may hold it too.
   */
  hasTaken({ key, session, flags }: HeldEntry): boolean {
    const own = this.#session;
    if (own?.id !== session) return false;
    return !own.isAdopted || this.#entries.some((entry) => entry.fullKey === key && entry.flags === flags);
  }

  /** Takes a session that can be relied on, where there is one without asking Consul. */
  takeAtHand(): Session | undefined {
    if (!this.#session && this.#settings.session === undefined) this.#session = sessionPool.take(this.#terms);
    const session = this.#session;
    return session && session.ageMs < session.ttlMs ? session : undefined;
  }

  /** A session that can be relied on. */
  async alive(): Promise<Session> {
    const atHand = this.takeAtHand();
    if (atHand) return atHand;
    const session = this.#session;
    if (session?.isAdopted === true) {
      if (!(await session.renew(this.#gate, { signal: this.#signal, lane: 'contending' })))
        throw this.#gone(session);
      return session;
    }
    await this.drop();
    this.#signal.throwIfAborted();
    // The lock may have come with another session meanwhile, and nobody would end this one.
    if (this.#isAbandoned) throw ABANDONED;
    return this.takeAtHand() ?? (this.#session = await this.#open());
  }

  /** Between two waits: a session that is not renewed would end while its contender waits. */
  async keepAlive(): Promise<void> {
    const session = this.#session;
    if (!session || session.ageMs < session.ttlMs / 3) return;
    // Past its TTL, a renewal would only bring it back on the word of a leader that may have been deposed.
    if (session.ageMs >= session.ttlMs && !session.isAdopted) {
      await this.drop();
      return;
    }
    try {
      if (!(await session.renew(this.#gate, { signal: this.#signal, lane: 'contending' })))
        await this.replaceGone();
    } catch (error) {
      this.#signal.throwIfAborted();
      if (!isTransient(error)) throw error;
    }
  }

  /** Before a wait: so that, once the lock is free, nothing but the taking is left to do. */
  async keepReady(): Promise<void> {
    if (this.#session) await this.keepAlive();
    else await this.alive();
  }

  /** Another session came with the lock: lets the next contender have this one. */
  setAside(): void {
    const session = this.#session;
    if (session && !session.isDoubtful && !session.isAdopted) {
      this.#session = undefined;
      sessionPool.giveBack(session, this.#terms);
    }
    lifecycle.keep(this.abandon());
  }

  /** The session is gone in Consul, and fenced by that. */
  async replaceGone(): Promise<void> {
    if (this.#session?.isAdopted === true) throw this.#gone(this.#session);
    await this.drop();
  }

  /** Some of the keys that an attempt took were removed: gives back the rest, so that all can be taken again. */
  async startAnew(): Promise<void> {
    const session = this.#session;
    if (session?.isAdopted !== true) await this.drop();
    else {
      const { behavior } = this.#settings;
      const limits = { signal: this.#signal, lane: 'contending' } as const;
      await giveBackEntries(this.#gate, session.id, this.#entries, behavior, limits);
    }
  }

  /** The answer came when the TTL was over. What it took on a user's session is found to be ours by the repetition. */
  async tooLate(): Promise<void> {
    if (this.#session?.isAdopted !== true) await this.drop();
  }

  /** Leaves neither the session behind nor what it took. Never rejects. */
  async drop(): Promise<void> {
    const session = this.#session;
    if (!session) return;
    this.#session = undefined;
    await tidyUp({ terms: this.#terms, session, entries: this.#entries }, this.#settings.requestTimeoutMs);
  }

  /** `drop`, also of a session that is just being made; on every way to an end without a handle. Never rejects. */
  async abandon(): Promise<void> {
    this.#isAbandoned = true;
    const opening = this.#opening;
    this.#opening = undefined;
    if (opening) {
      const ending = opening.then(
        async (session) => await endSession(session, this.#gate, this.#settings),
        // It was not made, as far as anybody knows.
        () => {},
      );
      lifecycle.keep(ending);
      const { waitingClock, requestTimeoutMs } = this.#settings;
      await Promise.race([ending, sleep(waitingClock, requestTimeoutMs, { keepProcessAlive: false })]);
    }
    await this.drop();
  }

  async #open(): Promise<Session> {
    const { session: id } = this.#settings;
    if (id !== undefined) {
      return await adoptSession(this.#gate, id, this.#settings, {
        signal: this.#signal,
        keys: this.#terms.keys,
        lane: 'contending',
      });
    }
    // Not ended by a cancellation: only its answer tells which session has to be removed.
    const opening = createSession(this.#gate, this.#settings, {
      lane: 'opening',
      untilSent: this.#signal,
    });
    this.#opening = opening;
    const session = await unlessAborted(opening, this.#signal);
    this.#opening = undefined;
    return session;
  }

  #gone(session: Session): Error {
    return goneError(session.id, this.#terms.keys);
  }
}

async function unlessAborted<T>(promise: Promise<T>, signal: StopSignal): Promise<T> {
  signal.throwIfAborted();
  let dispose = (): void => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    dispose = () => signal.removeEventListener('abort', onAbort);
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    dispose();
  }
}
