import type { LockOptions } from '../../../lib/index.ts';
import { FakeConsul } from '../../../lib/testing/index.ts';
import { type Attempt, numberIn } from './attempt.ts';
import { Breach } from './breach.ts';
import { History } from './history.ts';
import { Line } from './line.ts';
import type { Modules } from './modules.ts';
import { ProcessClock } from './process-clock.ts';
import { ServerView } from './server-view.ts';
import type { KeyName, Terms } from './terms.ts';
import type { WorldProcess } from './world-process.ts';

export const KEYS: readonly KeyName[] = ['a', 'b'];

/** Of floating point. */
export const EPSILON = 1e-6;

/** A call that has not settled yet. */
interface Operation {
  readonly name: string;
  readonly process: WorldProcess;
  /** By the running time of its process. */
  readonly dueAt: number;
}

/** What all that happens in a world happens to: a Consul, processes, and what they are about. */
export class Stage {
  readonly terms: Terms;
  /** Nothing goes wrong, and nobody interferes. */
  readonly isCalm: boolean;
  readonly fake: FakeConsul = new FakeConsul({ now: 0, sessionTtlMinMs: 100 });
  readonly server: ServerView;
  readonly processes: readonly WorldProcess[];
  readonly attempts: Attempt[] = [];
  readonly operations: Set<Operation> = new Set();
  /** Something has happened since the last look. */
  isStirred = false;
  /** An outsider has written where locks are, so that what is there may be data. */
  hasData = false;
  /** Locks are being freed by force, and whoever has one may lose it. */
  isForced = false;
  /** Requests may fail, and processes pause. */
  isRough = false;
  /** In milliseconds: the longest way of a request, or of an answer. */
  latencyMs: number;
  readonly #history = new History();
  #breach: unknown;

  constructor(modules: readonly Modules[], terms: Terms, { isCalm }: { isCalm: boolean }) {
    this.terms = terms;
    this.isCalm = isCalm;
    this.latencyMs = terms.latencyMs;
    this.server = new ServerView(this.fake, KEYS);
    this.server.onWrite(() => {
      this.isStirred = true;
    });
    this.processes = modules.map((loaded, index) => this.#processOf(loaded, `process ${index}`));
  }

  get now(): number {
    return this.fake.now();
  }

  note(...what: readonly unknown[]): void {
    this.#history.note(this.now, ...what);
  }

  /** Runs what may find a rule broken; the first breach is kept. */
  guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#breach ??= error;
    }
  }

  /** Rejects with what was found so far, and with all that led to it. */
  assertUnbroken(): void {
    if (this.#breach === undefined) return;
    if (!(this.#breach instanceof Breach)) throw this.#breach as Error;
    throw new Error(`${this.#breach.message}\n${this.#history.toString()}`, { cause: this.#breach });
  }

  optionsOf({ line }: WorldProcess): LockOptions {
    const { ttlMs, lockDelayMs, behavior, requestTimeoutMs, retryTimeoutMs } = this.terms;
    return {
      consulClient: line,
      minLockTimeoutMs: 100,
      lockTimeoutMs: ttlMs,
      lockDelayMs,
      behavior,
      requestTimeoutMs,
      retryTimeoutMs,
    };
  }

  /** Follows a call until it has settled, which it does in its time. */
  operate(name: string, process: WorldProcess, limitMs: number, work: Promise<void>): void {
    const operation = { name, process, dueAt: process.clock.runningMs + limitMs };
    this.operations.add(operation);
    work
      .then(
        () => this.guard(() => this.assertInTime(operation)),
        (error: unknown) =>
          this.guard(() => {
            throw error;
          }),
      )
      .finally(() => this.operations.delete(operation));
  }

  assertInTime({ name, process, dueAt }: Operation): void {
    const lateMs = process.clock.runningMs - dueAt;
    if (lateMs > EPSILON) throw new Breach(`${name}: did not settle in time: late by ${lateMs} ms`);
  }

  /** Every failure is one of the contract. */
  assertCode(attempt: Attempt, call: string, error: unknown, codes: readonly string[]): void {
    const { ConsulLockError } = attempt.process.modules.lib;
    if (error instanceof ConsulLockError && codes.includes(error.code)) return;
    const stack = error instanceof Error ? error.stack : '';
    const known = codes.join(', ') || 'nothing';
    throw attempt.breach(`${call} rejected with ${String(error)}, where there is ${known}\n${stack}`);
  }

  /** Which codes a call of a handle may reject with. */
  codesOf(...codes: readonly string[]): readonly string[] {
    return this.isCalm ? codes : [...codes, 'CONSUL_UNAVAILABLE'];
  }

  /** The attempt that wrote this value. */
  attemptOf(value: string): Attempt | undefined {
    return this.attempts[numberIn(value) ?? -1];
  }

  /** An outsider has had its hands on the lock, which may be lost unnoticed. */
  isDisturbed(attempt: Attempt): boolean {
    return this.isForced || attempt.disturbance !== undefined;
  }

  /** No deadline of this attempt's lock lies later: it counts from before the request that started the TTL. */
  latestDeadline({ process, handle }: Attempt): number {
    return (process.line.startedAt.get(handle!.sessionId) ?? 0) + this.terms.ttlMs;
  }

  /** Whether the key is held by this attempt, in Consul. */
  has(attempt: Attempt, key: string): boolean {
    const holder = this.server.holderOf(key);
    return holder !== undefined && numberIn(holder.value) === attempt.number;
  }

  #processOf(modules: Modules, name: string): WorldProcess {
    const clock = new ProcessClock(this.server.clock, {
      onStir: () => {
        this.isStirred = true;
      },
      holdTime: () => this.server.holdTime(),
    });
    Object.assign(modules.systemClock, {
      read: clock.read.bind(clock),
      elapsedSince: clock.elapsedSince.bind(clock),
      schedule: clock.schedule.bind(clock),
    });
    const line = new Line({
      name,
      fake: this.fake,
      server: this.server,
      clock,
      agent: modules.agent,
      latencyMs: () => (this.latencyMs === 0 ? 0 : Math.ceil(Math.random() * this.latencyMs)),
      note: (...what) => this.note(...what),
    });
    return { name, modules, clock, line, locks: new Map(), userSession: undefined, isShutDown: false };
  }
}
