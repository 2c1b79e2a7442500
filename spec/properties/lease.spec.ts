import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Instant } from '../../lib/clock.ts';
import { LockLostError, LockNotHeldError, type LossReason } from '../../lib/errors.ts';
import type { ConsulGate } from '../../lib/consul-gate.ts';
import { Lease } from '../../lib/lease.ts';
import { renewLease } from '../../lib/renewal.ts';
import type { Session } from '../../lib/session.ts';
import { TestClock } from '../support/test-clock.ts';
import { runs, Tally } from './runs.ts';

const SEQUENCES = 4_000;
/** Of a machine that has other things to do too. */
const LIMIT_MS = 60_000;
const START_MS = 1_000;

/** Consul did not answer. */
const NO_ANSWER = Object.assign(new Error('no answer'), { code: 'NONE' });

/** It said that there is no such session, though its keys are held. */
const UNEXPECTED = Object.assign(new Error('unexpected'), { code: 'UNEXPECTED' });

const REASONS = ['expired', 'session-invalidated', 'key-deleted', 'taken', 'shutdown'] as const;

type Step =
  /** Time passes, and timers fire. */
  | { readonly do: 'move'; readonly ms: number }
  /** Time passes, or is set back, and nothing can run. */
  | { readonly do: 'block'; readonly ms: number }
  | { readonly do: 'renew' }
  /** Of those renewals that are under way: its request, and then its look at the keys, is answered. */
  | { readonly do: 'answer'; readonly of: number; readonly answer: 'good' | 'none' | LossReason }
  | { readonly do: 'lose' | 'warn'; readonly reason: LossReason }
  | { readonly do: 'release' | 'look' | 'assert' | 'read signal' | 'listen' | 'unlisten' };

const ms = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.constantFrom(99, 100, 0.5, 99.25, 101, 500));
const reason = fc.constantFrom(...REASONS);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('move'), ms }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('block'), ms: fc.oneof(ms, fc.integer({ min: -150, max: -1 })) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('renew') }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('answer'),
      of: fc.nat({ max: 3 }),
      answer: fc.oneof(
        { weight: 6, arbitrary: fc.constant('good') },
        { weight: 1, arbitrary: fc.constant('none') },
        { weight: 1, arbitrary: reason },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('lose', 'warn'), reason }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom('release', 'look', 'look', 'assert', 'read signal', 'listen', 'unlisten'),
    }),
  },
);
const sequence = fc.record({
  ttlMs: fc.constant(100),
  /** How long ago the request was sent that started the TTL. */
  ageMs: fc.constantFrom(0, 30, 99, 100),
  maxHoldMs: fc.constantFrom(Infinity, 50, 160, 1),
  steps: fc.array(step, { maxLength: 20, size: 'max' }),
});

interface Renewal {
  readonly startedMs: number;
  readonly settled: Promise<unknown>;
  /** Of its request, and then of its look. */
  answer: (answer: 'good' | 'none' | LossReason) => void;
  isLooking: boolean;
  isRenewed: boolean;
}

/** A lease, and beside it what must be true of it, in other words than in lib/. */
class Subject {
  readonly #clock = new TestClock();
  readonly #lease: Lease;
  readonly #acquiredMs: number;
  readonly #ttlMs: number;
  readonly #maxHoldMs: number;
  #startedMs: number;
  #end: 'released' | LossReason | undefined;
  /** The reason that the signal was aborted with before the end. */
  #warning: LossReason | undefined;
  #loss: LockLostError | undefined;
  #signal: AbortSignal | undefined;
  #aborts = 0;
  #wasAborted = false;
  readonly #renewals: Renewal[] = [];
  readonly #listeners: { calls: number; readonly dispose: () => void; expected: number }[] = [];

  constructor({ ttlMs, ageMs, maxHoldMs }: { ttlMs: number; ageMs: number; maxHoldMs: number }) {
    this.#clock.block(START_MS);
    this.#acquiredMs = START_MS;
    this.#startedMs = START_MS - ageMs;
    this.#ttlMs = ttlMs;
    this.#maxHoldMs = maxHoldMs;
    const startedAt: Instant = { monotonicMs: this.#startedMs, wallMs: this.#startedMs };
    this.#lease = new Lease({ keys: ['a'], clock: this.#clock, startedAt, ttlMs, maxHoldMs });
    this.#afterTimers();
  }

  async do(step: Step): Promise<void> {
    switch (step.do) {
      case 'move':
        this.#clock.move(step.ms);
        this.#afterTimers();
        return;
      case 'block':
        this.#clock.block(step.ms);
        return;
      case 'renew':
        await this.#renew();
        return;
      case 'answer':
        await this.#answer(step);
        return;
      case 'lose':
        this.#lease.lose(step.reason);
        this.#ended(step.reason);
        return;
      case 'warn':
        this.#lease.abortSignal(step.reason);
        if (!this.#end) this.#warning ??= step.reason;
        return;
      case 'release':
        this.#lease.release();
        this.#ended('released');
        return;
      case 'look':
        this.#look();
        return;
      case 'assert':
        this.#assert();
        return;
      case 'read signal':
        this.#readSignal();
        return;
      case 'listen':
        this.#listen();
        return;
      case 'unlisten': {
        const listener = this.#listeners.at(-1);
        listener?.dispose();
        if (listener && !this.#end) listener.expected = 0;
        return;
      }
    }
  }

  /** What holds after every step, without a look at the lease's own clock. */
  check(): void {
    same('timers', this.#clock.timers, this.#end ? 0 : 1);
    same('isReleased', this.#lease.isReleased, this.#end === 'released');
    for (const { calls, expected } of this.#listeners) same('calls', calls, this.#end ? expected : 0);
    if (!this.#signal) return;
    const reason = this.#warning ?? (this.#end === 'released' ? undefined : this.#end);
    same('aborted', this.#signal.aborted, reason !== undefined);
    same('aborts', this.#aborts, reason !== undefined && !this.#wasAborted ? 1 : 0);
    if (reason) same('reason', (this.#signal.reason as LockLostError).reason, reason);
  }

  /** No answer that comes now changes what has ended. */
  async end(): Promise<void> {
    this.#clock.move(10_000);
    this.#afterTimers();
    same('ended', this.#end !== undefined, true);
    while (this.#renewals.length > 0) {
      await this.#answer({ of: 0, answer: 'good' });
      this.check();
    }
    this.#look();
    this.check();
  }

  /** With what a call is refused. */
  get #refusal(): string | undefined {
    return this.#end && (this.#end === 'released' ? 'LOCK_NOT_HELD' : 'LOCK_LOST');
  }

  get #deadlineMs(): number {
    return Math.min(this.#startedMs + this.#ttlMs, this.#acquiredMs + this.#maxHoldMs);
  }

  get #leftMs(): number {
    if (this.#end) return 0;
    // A clock that was set back to before the beginning gives no more than there was.
    const most = Math.min(this.#ttlMs, this.#maxHoldMs);
    return Math.max(0, Math.floor(Math.min(most, this.#deadlineMs - this.#clock.nowMs)));
  }

  /** Whoever looks at a lease whose time is over ends it. */
  #noticed(): void {
    if (!this.#end && this.#leftMs === 0) this.#ended('expired');
  }

  #ended(end: 'released' | LossReason): void {
    this.#end ??= end;
  }

  /** Its timer counts whole milliseconds. */
  #afterTimers(): void {
    if (!this.#end && this.#clock.timers === 0) {
      same('left', this.#leftMs, 0);
      this.#ended('expired');
    }
    if (this.#clock.nowMs >= this.#deadlineMs + 1) same('ended', this.#end !== undefined, true);
  }

  #look(): void {
    const leftMs = this.#leftMs;
    this.#noticed();
    same('remainingMs', this.#lease.remainingMs, leftMs);
    same('isHeld', this.#lease.isHeld, leftMs > 0);
    const { lostBy } = this.#lease;
    if (!this.#end || this.#end === 'released') {
      same('lostBy', lostBy, undefined);
      return;
    }
    same('lostBy', lostBy instanceof LockLostError && lostBy.reason, this.#end);
    this.#loss ??= lostBy;
    same('lostBy', lostBy, this.#loss);
  }

  #assert(): void {
    this.#noticed();
    let failure: unknown;
    try {
      this.#lease.assertHeld('look');
    } catch (error) {
      failure = error;
    }
    const refusal = this.#end === 'released' ? LockNotHeldError : LockLostError;
    same('assertHeld', this.#end ? failure instanceof refusal : failure === undefined, true);
  }

  #readSignal(): void {
    this.#noticed();
    const { signal } = this.#lease;
    same('signal', signal, this.#signal ?? signal);
    if (this.#signal) return;
    this.#signal = signal;
    this.#wasAborted = signal.aborted;
    signal.addEventListener('abort', () => this.#aborts++);
  }

  #listen(): void {
    const listener = { calls: 0, dispose: () => {}, expected: 1 };
    listener.dispose = this.#lease.onEnd(() => listener.calls++);
    this.#listeners.push(listener);
  }

  async #renew(): Promise<void> {
    this.#noticed();
    if (this.#end) {
      const never = new Promise<never>(() => {});
      const refusal = await this.#renewBy(never, never).catch((error: { code: string }) => error.code);
      same('renewal', refusal, this.#refusal);
      return;
    }
    const request = answerable<boolean>();
    const look = answerable<'ours' | LossReason>();
    const renewal: Renewal = {
      startedMs: this.#clock.nowMs,
      settled: Promise.allSettled([this.#renewBy(request.promise, look.promise)]),
      isLooking: false,
      isRenewed: false,
      answer: (answer) => {
        if (answer === 'none') (renewal.isLooking ? look : request).reject(NO_ANSWER);
        else if (renewal.isLooking) look.resolve(answer === 'good' ? 'ours' : answer);
        else request.resolve(answer === 'good');
      },
    };
    this.#renewals.push(renewal);
  }

  async #renewBy(request: Promise<boolean>, look: Promise<'ours' | LossReason>): Promise<void> {
    const session = { renewalLimitMs: () => 1, renew: async () => await request } as unknown as Session;
    const check = async (): Promise<'ours' | LossReason> => await look;
    const gate = { unexpected: () => UNEXPECTED } as unknown as ConsulGate;
    await renewLease({ gate, session, lease: this.#lease, check }, {});
  }

  async #answer({ of, answer }: { of: number; answer: 'good' | 'none' | LossReason }): Promise<void> {
    const renewal = this.#renewals[of % Math.max(1, this.#renewals.length)];
    if (!renewal) return;
    const { isLooking, isRenewed, startedMs } = renewal;
    renewal.answer(answer);
    if (!isLooking && answer !== 'none') {
      this.#noticed();
      if (!this.#end) {
        renewal.isLooking = true;
        renewal.isRenewed = answer === 'good';
        await turn();
        return;
      }
    }
    this.#renewals.splice(this.#renewals.indexOf(renewal), 1);
    if (isLooking && answer !== 'none') {
      if (answer !== 'good') this.#ended(answer);
      this.#noticed();
      if (!this.#end && isRenewed) this.#startedMs = startedMs;
      this.#noticed();
    }
    const [outcome] = (await renewal.settled) as PromiseSettledResult<void>[];
    const { code } = (outcome?.status === 'rejected' ? outcome.reason : {}) as { code?: string };
    const doubt = isLooking && !isRenewed ? UNEXPECTED.code : undefined;
    same('renewal', code, answer === 'none' ? NO_ANSWER.code : (this.#refusal ?? doubt));
  }
}

/** Asked for a hundred times in every sequence. */
function same(what: string, actual: unknown, expected: unknown): void {
  if (!Object.is(actual, expected)) throw new Error(`${what}: ${String(actual)}, not ${String(expected)}`);
}

function answerable<T>(): {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: Error) => void;
} {
  let resolve!: (value: T) => void;
  let reject!: (reason: Error) => void;
  const promise = new Promise<T>((settle, fail) => {
    resolve = settle;
    reject = fail;
  });
  return { promise, resolve, reject };
}

async function turn(): Promise<void> {
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
}

describe('a lease', () => {
  it(
    `ends once, for its first reason, and never begins again, in ${SEQUENCES} sequences`,
    async () => {
      const ran = new Tally();
      await fc.assert(
        fc.asyncProperty(sequence, async ({ steps, ...terms }) => {
          ran.add();
          const subject = new Subject(terms);
          subject.check();
          for (const each of steps) {
            await subject.do(each);
            subject.check();
          }
          await subject.end();
        }),
        runs(SEQUENCES, LIMIT_MS),
      );
      expect(ran.hasReached(SEQUENCES)).toBe(true);
    },
    LIMIT_MS,
  );
});
