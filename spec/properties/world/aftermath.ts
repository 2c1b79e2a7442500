import type { Acquisitions } from './acquisitions.ts';
import { fullKeyOf } from './attempt.ts';
import { Breach } from './breach.ts';
import type { Lookout } from './lookout.ts';
import type { Outsider } from './outsider.ts';
import { KEYS, type Stage } from './stage.ts';
import type { Uses } from './uses.ts';

/** For how long a session that nobody needs is kept. */
const IDLE_MS = 1_000;

/** The longest pause between two tries of a clean-up in the background. */
const PAUSE_MS = 1_000;

/** Looks for late arrivals on a user's session: after 1, 2, 4, … 32 request timeouts. */
const LATE_LOOKS = 63;

interface Cast {
  readonly acquisitions: Acquisitions;
  readonly uses: Uses;
  readonly outsider: Outsider;
  readonly lookout: Lookout;
}

/** The end of a world: everybody is served or cancelled, and nothing is left of any of them. */
export class Aftermath {
  readonly #stage: Stage;
  readonly #cast: Cast;

  constructor(stage: Stage, cast: Cast) {
    this.#stage = stage;
    this.#cast = cast;
  }

  async run(): Promise<void> {
    const { processes } = this.#stage;
    this.#stage.note('the end');
    this.#stage.latencyMs = 0;
    for (const { line } of processes) line.heal();
    this.#cast.outsider.yield();
    await this.#letAllSettle();
    await this.#letGoQuiet();
    this.#assertNothingLeft();
    await this.#assertFree();
    await this.#assertIdle();
  }

  async #advance(ms: number): Promise<void> {
    await this.#stage.fake.advance(ms);
    this.#cast.lookout.look();
    this.#stage.assertUnbroken();
  }

  async #letAllSettle(): Promise<void> {
    const { ttlMs, lockDelayMs, requestTimeoutMs } = this.#stage.terms;
    const limitMs = 20_000 + 8 * ttlMs + 2 * lockDelayMs + 40 * requestTimeoutMs;
    for (let waitedMs = 0, stepMs = 0; ; waitedMs += stepMs, stepMs = stepMs * 1.5 + 10) {
      this.#endAll();
      await this.#advance(stepMs);
      const left = this.#unsettled();
      if (left.length === 0) return;
      if (waitedMs > limitMs) throw new Breach(`after ${waitedMs} ms there is still ${left.join('; ')}`);
    }
  }

  #endAll(): void {
    const { attempts, terms } = this.#stage;
    for (const attempt of attempts) {
      const { process, state, handle, isOver, releasesUnderWay } = attempt;
      if (process.clock.isPaused) continue;
      if (state === 'pending' && terms.ending === 'cancelled') this.#cast.acquisitions.cancel(attempt);
      if (handle && !isOver && releasesUnderWay === 0) this.#cast.uses.release(attempt);
    }
  }

  #unsettled(): string[] {
    const { attempts, operations } = this.#stage;
    const left = attempts.filter(({ state, handle, isOver }) => state === 'pending' || (handle && !isOver));
    return [...left, ...operations].map(({ name }) => name);
  }

  /** What is under way arrives, what is done in the background is done, and what is kept for a while is given up. */
  async #letGoQuiet(): Promise<void> {
    const { processes, terms, now } = this.#stage;
    const arrivals = processes.map(({ line }) => line.lastArrival - now);
    const looks = terms.locks.some(({ isAdopted }) => isAdopted) ? LATE_LOOKS : 0;
    await this.#advance(
      Math.max(0, ...arrivals) + IDLE_MS + 2 * PAUSE_MS + (2 + looks) * terms.requestTimeoutMs,
    );
  }

  /** Every session was ended or belongs to a user, unless nobody was ever told of it. */
  #assertNothingLeft(): void {
    const { processes, server, terms, hasData } = this.#stage;
    for (const { name, clock } of processes) {
      if (clock.timers > 0) throw new Breach(`${name}: left ${clock.timers} timer(s)`);
    }
    for (const id of server.sessionIds) {
      const { by, isKnown } = server.sessions.get(id)!;
      if (isKnown && by !== 'user') throw new Breach(`${by}: left session ${id}`);
    }
    for (const key of KEYS.map(fullKeyOf)) {
      const holder = server.holderOf(key);
      if (holder && !this.#isLeftToUser(holder.value)) throw new Breach(`${holder.value}: left ${key} held`);
      const entry = server.entry(key);
      const isLock = entry !== undefined && (entry.lockIndex > 0 || entry.flags > 0);
      if (isLock && !holder && terms.behavior === 'delete' && !hasData)
        throw new Breach(`left ${key} behind`);
    }
  }

  /** A process that shuts down does not look for late arrivals on a session that is not its own to end. */
  #isLeftToUser(value: string): boolean {
    const attempt = this.#stage.attemptOf(value);
    return attempt?.lock.isAdopted === true && attempt.process.isShutDown;
  }

  /** After all TTLs and lock delays, anybody can have any key. */
  async #assertFree(): Promise<void> {
    const { processes, server, terms, hasData } = this.#stage;
    for (const { userSession } of processes) {
      if (userSession !== undefined) server.endSession(userSession);
    }
    await this.#advance(2 * terms.ttlMs + terms.lockDelayMs);
    if (server.sessionIds.length > 0) throw new Breach('a session is left after its TTL');
    if (hasData) for (const key of KEYS) server.removeKey(fullKeyOf(key));
    const process = processes[terms.seed % processes.length]!;
    process.modules.lib.resetDefaults();
    const lock = new process.modules.lib.EphemeralLock(KEYS, { consulClient: process.line });
    const handle = await lock.acquire();
    if (!(await handle.release())) throw new Breach('the keys could not be given back');
  }

  async #assertIdle(): Promise<void> {
    const { processes } = this.#stage;
    const settled = new Set<string>();
    for (const { name, modules } of processes) {
      void modules.lifecycle.settled().then(() => settled.add(name));
    }
    await this.#advance(IDLE_MS);
    for (const { name, modules } of processes) {
      if (!settled.has(name)) throw new Breach(`${name}: something is still under way`);
      if (modules.lifecycle.holdings.length > 0) throw new Breach(`${name}: still counts as a holder`);
    }
  }
}
