import { CLOCK } from '../clock.ts';
import { shown } from '../lock-key.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeFaults, type FakeOperation } from './fake-faults.ts';
import { FakeStore, type SessionRow } from './fake-store.ts';
import { FakeTraffic } from './fake-traffic.ts';
import { FakeWire } from './fake-wire.ts';
import { kvCalls, type FakeKvCalls } from './kv-calls.ts';
import { sessionCalls, type FakeSessionCalls } from './session-calls.ts';
import { transactionCalls, type FakeTransactionCalls } from './transaction-calls.ts';

/** How a Consul in memory begins. */
export interface FakeConsulOptions {
  /**
   * The time at the start, in milliseconds or as a `Date`; or a function that tells the time in milliseconds, to
   * which `advance` adds.
   *
   * @default the time of construction
   */
  readonly now?: number | Date | (() => number);
  /**
   * The shortest TTL that a session may have, in milliseconds, as the servers' `session_ttl_min` says.
   *
   * @default 10_000
   */
  readonly sessionTtlMinMs?: number;
}

const DEFAULT_LEAST_TTL_MS = 10_000;

/**
 * A Consul in memory, for unit tests of code that locks: pass it as `consulClient`.
 *
 * It answers the calls of the `consul` package as a server would, at once, and with the same errors. Sessions with
 * their TTLs, behaviors and lock delays, keys with their indexes, transactions and blocking queries are there; ACLs,
 * health checks and datacenters are not: `token` and `dc` are accepted and ignored.
 *
 * Its time stands still and moves only by `advance`. A session without renewal ends after twice its TTL, as in Consul.
 */
export class FakeConsul {
  /** The calls about sessions. */
  readonly session: FakeSessionCalls;
  /** The calls about keys. */
  readonly kv: FakeKvCalls;
  /** The calls about transactions. */
  readonly transaction: FakeTransactionCalls;
  private readonly clock: FakeClock;
  private readonly store: FakeStore;
  private readonly faults: FakeFaults = new FakeFaults();

  /** Throws a `TypeError` or `RangeError` for options that mean nothing. */
  constructor(options: FakeConsulOptions = {}) {
    if (typeof options !== 'object' || options === null) {
      throw new TypeError(`options: must be an object; got ${shown(options)}`);
    }
    const { now, sessionTtlMinMs = DEFAULT_LEAST_TTL_MS, ...others } = options;
    const [stray] = Object.keys(others);
    if (stray !== undefined) {
      throw new TypeError(`options: must have known names only (now, sessionTtlMinMs); got ${shown(stray)}`);
    }
    if (typeof sessionTtlMinMs !== 'number') {
      throw new TypeError(`sessionTtlMinMs: must be a number of milliseconds; got ${shown(sessionTtlMinMs)}`);
    }
    if (!(sessionTtlMinMs > 0 && sessionTtlMinMs < Infinity)) {
      throw new RangeError(`sessionTtlMinMs: must be a number of milliseconds > 0; got ${sessionTtlMinMs}`);
    }
    const traffic = new FakeTraffic();
    this.clock = new FakeClock(now, async () => await traffic.settle());
    this.store = new FakeStore(this.clock);
    // By this the deadlines of locks that are taken through this client are counted.
    Object.defineProperty(this, CLOCK, { value: this.clock });
    const wire = new FakeWire(this.clock, traffic, this.store, this.faults);
    this.session = sessionCalls(wire, this.store, sessionTtlMinMs);
    this.kv = kvCalls(wire, this.store);
    this.transaction = transactionCalls(wire, this.store);
  }

  /** The time of this Consul, in milliseconds. */
  now(): number {
    return this.clock.now();
  }

  /**
   * Moves the time by `ms` milliseconds. What falls due on the way happens in its order, each at its own time: sessions
   * expire, blocking queries end, leases run out. When the promise resolves, the requests that followed have been
   * answered too; what waits for real timers or sockets is not waited for.
   *
   * Rejects with a `TypeError` or `RangeError` unless `ms` is a finite number of at least 0.
   */
  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms);
  }

  /**
   * Ends a session at once, as an operator would: its keys are released or deleted as its behavior says, its lock
   * delay starts. Whether there was one. Await something, such as `advance(0)`, to let the code under test notice.
   */
  invalidateSession(id: string): boolean {
    if (typeof id !== 'string') throw new TypeError(`id must be a string, got ${typeof id}`);
    return this.store.listSessions().some(({ ID }) => ID === id) && this.store.invalidateSession(id);
  }

  /**
   * Lets the next call of `operation` reject with `error`, with nothing done. Called again before that, it is for the
   * call after. Throws a `TypeError` for an operation that there is not.
   */
  failNext(operation: FakeOperation, error: unknown): void {
    this.faults.add(operation, { kind: 'refused', error });
  }

  /**
   * Lets the next call of `operation` be carried out and then reject, at once, as when its answer did not come in time:
   * with an error whose `isTimeout` is true. Throws a `TypeError` for an operation that there is not.
   */
  loseAnswerOf(operation: FakeOperation): void {
    this.faults.add(operation, { kind: 'answer-lost' });
  }

  /** The sessions there are now, as `session.list` shows them. */
  sessions(): SessionRow[] {
    return this.store.listSessions();
  }

  /** The names of the keys there are now, in their order. */
  keys(): string[] {
    return this.store.kv.list('').map(({ key }) => key);
  }

  /** Grows by one with every write, also with most of those that are refused. */
  get raftIndex(): number {
    return this.store.raftIndex;
  }
}
