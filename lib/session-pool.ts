import { cleanUp } from './clean-up.ts';
import type { CallLimits, ConsulGate } from './consul-gate.ts';
import type { Lane } from './lanes.ts';
import { lifecycle } from './lifecycle.ts';
import { type Link, LinkedList } from './linked-list.ts';
import type { Session } from './session.ts';
import type { LockTerms } from './lock-terms.ts';
import { PerClient } from './per-client.ts';
import type { Settings } from './settings.ts';

/** A session that is used no more within this time is ended. */
const IDLE_MS = 1_000;

/** For how long a Consul that does not answer may hold up the end of a process. */
const LAST_MOMENT_MS = 1_000;

/** Sessions of certain terms, and the demand for them. */
class Group {
  /** The last one given back is the last one here. */
  readonly idle = new LinkedList<Idle>();
  /** When one of them was last given up, whether it was kept or ended. */
  releasedAt = -Infinity;
  /** Whether the last lock was asked for soon after that. */
  isBrisk = false;

  get isRecent(): boolean {
    return performance.now() - this.releasedAt <= IDLE_MS;
  }
}

/** A session that waits for the next lock. */
class Idle {
  readonly session: Session;
  readonly #terms: LockTerms;
  readonly #disposeTimer: () => void;
  readonly #lists: readonly LinkedList<Idle>[];
  readonly #links: readonly Link<Idle>[];

  constructor(session: Session, terms: LockTerms, forMs: number, lists: readonly LinkedList<Idle>[]) {
    this.session = session;
    this.#terms = terms;
    this.#lists = lists;
    this.#links = lists.map((list) => list.add(this));
    this.#disposeTimer = terms.settings.waitingClock.schedule(forMs, () => lifecycle.keep(this.end()), {
      keepProcessAlive: false,
    });
  }

  /** It waits no longer. */
  dispose(): void {
    this.#disposeTimer();
    this.#lists.forEach((list, index) => list.remove(this.#links[index]!));
  }

  async end(timeoutMs = this.#terms.settings.requestTimeoutMs): Promise<void> {
    this.dispose();
    await endSession(this.session, this.#terms.gate, this.#terms.settings, { timeoutMs });
  }
}

/** By their terms. */
class Groups {
  readonly #byTerms = new Map<string, Group>();
  #tidiedUpAt = -Infinity;

  find(sessionTerms: string): Group | undefined {
    return this.#byTerms.get(sessionTerms);
  }

  of(sessionTerms: string): Group {
    const known = this.#byTerms.get(sessionTerms);
    if (known) return known;
    const group = new Group();
    this.#byTerms.set(sessionTerms, group);
    return group;
  }

  /** Terms have tokens in them, which must not be kept for long. */
  tidyUp(): void {
    const now = performance.now();
    if (now - this.#tidiedUpAt < IDLE_MS) return;
    this.#tidiedUpAt = now;
    for (const [terms, { idle, isRecent }] of this.#byTerms) {
      if (idle.isEmpty && !isRecent) this.#byTerms.delete(terms);
    }
  }
}

/**
 * Sessions that were given back in order, ready for the next lock with the same settings: making and ending one costs
 * Consul a write each.
 */
class SessionPool {
  readonly #groups = new PerClient(() => new Groups());
  readonly #all = new LinkedList<Idle>();
  #endsBeforeExit = false;

  take({ settings, sessionTerms }: LockTerms): Session | undefined {
    const group = this.#groups.of(settings.client).find(sessionTerms);
    if (!group) return undefined;
    group.isBrisk = group.isRecent;
    // The last one, so that those nobody needs any more are idle for long enough to be ended.
    const { last } = group.idle;
    last?.dispose();
    return last?.session;
  }

  /**
   * Whether a session that is given back now is likely to be used again. Locks that are taken once in a while leave that to
   * the first that comes within the second.
   */
  isWanted({ settings, sessionTerms }: LockTerms): boolean {
    return this.#groups.of(settings.client).find(sessionTerms)?.isBrisk === true;
  }

  /** A lock of these terms has been given back. */
  noteRelease({ settings, sessionTerms }: LockTerms): void {
    const groups = this.#groups.of(settings.client);
    groups.of(sessionTerms).releasedAt = performance.now();
    groups.tidyUp();
  }

  /** Keeps a session for the next lock, unless it is in doubt or has lived for half its TTL: then it is ended. */
  giveBack(session: Session, terms: LockTerms): void {
    const { gate, settings, sessionTerms } = terms;
    const leftMs = session.ttlMs / 2 - session.ageMs;
    if (session.isDoubtful || leftMs <= 0) {
      lifecycle.keep(endSession(session, gate, settings));
      return;
    }
    const { idle } = this.#groups.of(settings.client).of(sessionTerms);
    new Idle(session, terms, Math.min(IDLE_MS, leftMs), [idle, this.#all]);
    this.#endBeforeExit();
  }

  /** Ends every session that is idle. */
  async drain(timeoutMs?: number): Promise<void> {
    await Promise.all(this.#all.toArray().map(async (idle) => await idle.end(timeoutMs)));
  }

  /** A program whose loop runs empty within the second leaves no session behind either. */
  #endBeforeExit(): void {
    if (this.#endsBeforeExit) return;
    this.#endsBeforeExit = true;
    process.on('beforeExit', () => void this.drain(LAST_MOMENT_MS));
  }
}

/** One for the process. */
export const sessionPool: SessionPool = new SessionPool();

/**
 * Ends a session of ours (never a user's), and with it whatever it may still take; tried once, then in the background.
 *
 * @param giveBackFirst - because the end of a session that holds a key starts the lock delay.
 */
export async function endSession(
  session: Session,
  gate: ConsulGate,
  { waitingClock, requestTimeoutMs, logger }: Settings,
  { giveBackFirst, timeoutMs = requestTimeoutMs, lane = 'contending' }: EndOptions = {},
): Promise<void> {
  session.condemn();
  await cleanUp(
    async (limits) => {
      await giveBackFirst?.(limits);
      await gate.destroySession(session.id, limits);
    },
    {
      clock: waitingClock,
      lane,
      timeoutMs,
      mootAfterMs: 2 * session.ttlMs,
      onFailure: (error) => logger?.warn({ err: error, session: session.id }, 'could not end a session'),
    },
  );
}

export interface EndOptions {
  readonly giveBackFirst?: ((limits: CallLimits) => Promise<unknown>) | undefined;
  readonly timeoutMs?: number;
  readonly lane?: Lane;
}
