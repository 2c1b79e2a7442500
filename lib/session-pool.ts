import { cleanUp } from './clean-up.ts';
import type { CallLimits, ConsulGate } from './consul-gate.ts';
import type { Lane } from './lanes.ts';
import { lifecycle } from './lifecycle.ts';
import { LinkedList } from './linked-list.ts';
import type { Session } from './session.ts';
import type { LockTerms } from './lock-terms.ts';
import { PerClient } from './per-client.ts';
import type { Settings } from './settings.ts';

/** A session that is used no more within this time is ended. */
const IDLE_MS = 1_000;

/** For how long a Consul that does not answer may hold up the end of a process. */
const LAST_MOMENT_MS = 1_000;

interface Idle {
  readonly session: Session;
  readonly dispose: () => void;
  readonly end: (timeoutMs?: number) => Promise<void>;
}

/** For sessions of certain terms. */
interface Demand {
  /** When one of them was last given up, whether it was kept or ended. */
  readonly releasedAt: number;
  /** Whether the last lock was asked for soon after that. */
  isBrisk: boolean;
}

/**
 * Sessions that were given back in order, ready for the next lock with the same settings: making and ending one costs
 * Consul a write each.
 */
class SessionPool {
  /** By their terms; the last one given back is the last one here. */
  readonly #idle = new PerClient(() => new Map<string, LinkedList<Idle>>());
  readonly #all = new LinkedList<Idle>();
  readonly #demand = new PerClient(() => new Map<string, Demand>());
  #endsBeforeExit = false;

  take(terms: LockTerms): Session | undefined {
    const { settings, sessionTerms } = terms;
    const demand = this.#demand.of(settings.client).get(sessionTerms);
    if (demand) demand.isBrisk = isRecent(demand);
    const group = this.#idle.of(settings.client).get(sessionTerms);
    if (!group) return undefined;
    // The last one, so that those nobody needs any more are idle for long enough to be ended.
    const { last } = group;
    last?.dispose();
    return last?.session;
  }

  /**
   * Whether a session that is given back now is likely to be used again. Locks that are taken once in a while leave that to
   * the first that comes within the second.
   */
  isWanted({ settings, sessionTerms }: LockTerms): boolean {
    return this.#demand.of(settings.client).get(sessionTerms)?.isBrisk === true;
  }

  /** A lock of these terms has been given back. */
  noteRelease({ settings, sessionTerms }: LockTerms): void {
    const demands = this.#demand.of(settings.client);
    const isBrisk = demands.get(sessionTerms)?.isBrisk === true;
    demands.delete(sessionTerms);
    demands.set(sessionTerms, { releasedAt: performance.now(), isBrisk });
    // The oldest come first. Terms have tokens in them, which must not be kept for long.
    for (const [name, demand] of demands) {
      if (isRecent(demand)) break;
      demands.delete(name);
    }
  }

  /** Keeps a session for the next lock, unless it is in doubt or has lived for half its TTL: then it is ended. */
  giveBack(session: Session, { gate, settings, sessionTerms }: LockTerms): void {
    const leftMs = session.ttlMs / 2 - session.ageMs;
    if (session.isDoubtful || leftMs <= 0) {
      lifecycle.keep(endSession(session, gate, settings));
      return;
    }
    const end = async (timeoutMs = settings.requestTimeoutMs): Promise<void> => {
      idle.dispose();
      await endSession(session, gate, settings, { timeoutMs });
    };
    const groups = this.#idle.of(settings.client);
    const group = groups.get(sessionTerms) ?? new LinkedList<Idle>();
    groups.set(sessionTerms, group);
    const disposeTimer = settings.waitingClock.schedule(
      Math.min(IDLE_MS, leftMs),
      () => lifecycle.keep(end()),
      { keepProcessAlive: false },
    );
    const dispose = (): void => {
      disposeTimer();
      group.remove(inGroup);
      if (group.isEmpty && groups.get(sessionTerms) === group) groups.delete(sessionTerms);
      this.#all.remove(inAll);
    };
    const idle: Idle = { session, dispose, end };
    const inGroup = group.add(idle);
    const inAll = this.#all.add(idle);
    this.#endBeforeExit();
  }

  /** Ends every session that is idle. */
  async drain(timeoutMs?: number): Promise<void> {
    await Promise.all(this.#all.toArray().map(async ({ end }) => await end(timeoutMs)));
  }

  /** A program whose loop runs empty within the second leaves no session behind either. */
  #endBeforeExit(): void {
    if (this.#endsBeforeExit) return;
    this.#endsBeforeExit = true;
    process.on('beforeExit', () => void this.drain(LAST_MOMENT_MS));
  }
}

function isRecent({ releasedAt }: Demand): boolean {
  return performance.now() - releasedAt <= IDLE_MS;
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
