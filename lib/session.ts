import type { Clock, Instant } from './clock.ts';
import { isAmbiguous } from './consul-failure.ts';
import type { CallLimits, ConsulGate } from './consul-gate.ts';
import { ConsulRequestError } from './errors.ts';
import { merged } from './merged.ts';
import type { Settings } from './settings.ts';

/**
 * In milliseconds: up to this age, or a tenth of its TTL, a session needs no new start of it. The lock has so much less, and no
 * renewal competes with its write.
 */
const FRESH_MS = 250;

/** In milliseconds: a renewal has this time at least. */
const LEAST_RENEWAL_MS = 100;

/** A session of Consul's, as far as we know it. It serves one holder at a time. */
export class Session {
  readonly id: string;
  /** In milliseconds: how long after `startedAt` it may be relied on. Consul ends it later, never earlier. */
  readonly ttlMs: number;
  /** Given to us by the user: never ended and never used again by us. */
  readonly isAdopted: boolean;
  readonly #clock: Clock;
  #startedAt: Instant;
  #isDoubtful = false;
  #underWay = 0;

  constructor(terms: { id: string; ttlMs: number; isAdopted: boolean; clock: Clock; startedAt: Instant }) {
    this.id = terms.id;
    this.ttlMs = terms.ttlMs;
    this.isAdopted = terms.isAdopted;
    this.#clock = terms.clock;
    this.#startedAt = terms.startedAt;
  }

  /** Before the request was sent that last started its TTL, as far as that was answered. */
  get startedAt(): Instant {
    return this.#startedAt;
  }

  get ageMs(): number {
    return this.#clock.elapsedSince(this.#startedAt);
  }

  /** Whether a request was sent on it that may still be carried out. Only its end keeps such a request from landing. */
  get isDoubtful(): boolean {
    return this.#isDoubtful || this.#underWay > 0;
  }

  /** Its end has been decided, and may come at any time: it serves nobody any more. */
  condemn(): void {
    this.#isDoubtful = true;
  }

  /** Sends a request on this session: unless it is answered definitely, the session is in doubt. */
  async send<T>(request: (limits: CallLimits) => Promise<T>, limits: CallLimits): Promise<T> {
    this.#underWay++;
    try {
      return await request(limits);
    } catch (error) {
      // A request that was cancelled may be carried out, whatever the reason.
      if (limits.signal?.aborted === true || isAmbiguous(error)) this.#isDoubtful = true;
      throw error;
    } finally {
      this.#underWay--;
    }
  }

  /** For how long a renewal is waited for: one that hangs must leave time for others before the deadline. */
  renewalLimitMs(gate: ConsulGate): number {
    return Math.min(gate.requestTimeoutMs, Math.max(LEAST_RENEWAL_MS, Math.ceil(this.ttlMs / 6)));
  }

  /**
   * Sends a write and, unless that has just been done, starts the TTL anew beside it, which costs Consul no write. Rejects
   * as the write does. `isGone`: the session turned out to have ended.
   */
  async sendRenewing<T>(
    gate: ConsulGate,
    write: (limits: CallLimits) => Promise<T>,
    limits: CallLimits,
  ): Promise<{ readonly answer: T; readonly isGone: boolean }> {
    if (this.ageMs <= Math.min(FRESH_MS, this.ttlMs / 10)) {
      return { answer: await this.send(write, limits), isGone: false };
    }
    const [writing, renewing] = await Promise.allSettled([
      this.send(write, limits),
      this.send(
        async (sent) => {
          await handedOn();
          return await this.renew(gate, sent);
        },
        merged(limits, { timeoutMs: this.renewalLimitMs(gate) }),
      ),
    ]);
    if (writing.status === 'rejected') throw writing.reason;
    return { answer: writing.value, isGone: renewing.status === 'fulfilled' && !renewing.value };
  }

  /** Starts its TTL anew; false when it is gone. */
  async renew(gate: ConsulGate, limits: CallLimits): Promise<boolean> {
    const startedAt = this.#clock.read();
    const renewed = await this.send((sent) => gate.renewSession(this.id, sent), limits);
    if (renewed) this.#startedAt = startedAt;
    return renewed;
  }
}

/** Node hands a request on to its connection at the next tick, and whatever is done until then makes it later. */
async function handedOn(): Promise<void> {
  await new Promise<void>((resolve) => process.nextTick(resolve));
}

export async function createSession(
  gate: ConsulGate,
  settings: Settings,
  limits?: CallLimits,
): Promise<Session> {
  const { clock, lockTimeoutMs, lockDelayMs, sessionName, checks, behavior } = settings;
  const startedAt = clock.read();
  const id = await gate.createSession(
    { ttlMs: lockTimeoutMs, lockDelayMs, name: sessionName, checks, behavior },
    limits,
  );
  return new Session({ id, ttlMs: lockTimeoutMs, isAdopted: false, clock, startedAt });
}

/** Uses a session that the user made; its TTL is read from Consul and started anew. */
export async function adoptSession(
  gate: ConsulGate,
  id: string,
  { clock, lockTimeoutMs }: Settings,
  { keys, ...limits }: CallLimits & { keys: readonly string[] },
): Promise<Session> {
  const info = await gate.readSession(id, 'consistent', limits);
  if (info === null) throw goneError(id, keys);
  if (info.ttlMs <= 0) {
    throw new RangeError(
      `session: must have a TTL, or its locks would never be freed by time; got the session ${id} without one`,
    );
  }
  const ttlMs = Math.min(info.ttlMs, lockTimeoutMs);
  const session = new Session({ id, ttlMs, isAdopted: true, clock, startedAt: clock.read() });
  if (!(await session.renew(gate, limits))) throw goneError(id, keys);
  return session;
}

export function goneError(id: string, keys: readonly string[]): ConsulRequestError {
  return new ConsulRequestError(`session.info: Consul rejected the request: there is no session ${id}`, {
    code: 'CONSUL_REJECTED',
    operation: 'session.info',
    transient: false,
    keys,
  });
}
