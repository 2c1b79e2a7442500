import { getEventListeners } from 'node:events';
import type { LockHandle } from '../../../lib/index.ts';
import { Attempt, numberIn } from './attempt.ts';
import type { Lib } from './modules.ts';
import type { Stage } from './stage.ts';
import type { LockTerms, Step, Work } from './terms.ts';
import type { WorldProcess } from './world-process.ts';

type Start = Extract<Step, { readonly work: Work }>;

const WORK_FAILED = new Error('the work failed');
const CANCELLED = new Error('cancelled');

/** A user's session outlives the locks that it is used for, but not by much. */
const TTLS_OF_USER = 4;

/** Starts and cancels attempts, and judges how they end. */
export class Acquisitions {
  readonly #stage: Stage;
  /** By key: the highest token that was handed out. */
  readonly #tokens = new Map<string, number>();

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  start({ do: how, process: index, lock: lockIndex, timeoutMs, work }: Start): void {
    const { terms, attempts, processes, now } = this.#stage;
    const process = processes[index]!;
    if (process.clock.isPaused) return;
    const { locks, requestTimeoutMs, retryTimeoutMs } = terms;
    const limitMs = Math.max(timeoutMs, retryTimeoutMs) + 2 * requestTimeoutMs;
    const attempt = new Attempt(attempts.length, process, locks[lockIndex % locks.length]!, {
      how,
      startedAt: now,
      dueAt: process.clock.runningMs + limitMs,
    });
    attempts.push(attempt);
    const lock = this.#lockOf(process, attempt.lock);
    const options = { acquireTimeoutMs: timeoutMs, signal: attempt.controller.signal };
    if (how === 'hold') {
      const holding = lock.hold(async (handle) => await this.#work(attempt, handle, work), options);
      this.#follow(attempt, holding, work);
      return;
    }
    const acquiring = how === 'try' ? lock.tryAcquire(options) : lock.acquire(options);
    acquiring.then(
      (handle) =>
        this.#stage.guard(() => (handle ? this.#received(attempt, handle) : this.#refused(attempt))),
      (error: unknown) => this.#stage.guard(() => this.#rejected(attempt, error)),
    );
  }

  cancel(attempt: Attempt): void {
    if (attempt.state === 'pending' && !attempt.wasCancelled) {
      attempt.wasCancelled = true;
      const { requestTimeoutMs } = this.#stage.terms;
      attempt.dueAt = Math.min(attempt.dueAt, attempt.process.clock.runningMs + 2 * requestTimeoutMs);
    }
    attempt.controller.abort(CANCELLED);
  }

  #lockOf(process: WorldProcess, terms: LockTerms): InstanceType<Lib['EphemeralLock']> {
    const { isAdopted, keys, renew } = terms;
    const { server } = this.#stage;
    if (isAdopted && (process.userSession === undefined || !server.hasSession(process.userSession))) {
      process.userSession = server.openSession('user', TTLS_OF_USER * this.#stage.terms.ttlMs);
      process.locks.delete(terms);
    }
    let lock = process.locks.get(terms);
    if (!lock) {
      lock = new process.modules.lib.EphemeralLock(keys, {
        ...this.#stage.optionsOf(process),
        renew,
        // Asked for while the attempt is being started.
        generateValue: () => this.#stage.attempts.at(-1)!.value,
        ...(isAdopted && { session: process.userSession }),
      });
      process.locks.set(terms, lock);
    }
    return lock;
  }

  async #work(attempt: Attempt, handle: LockHandle, { ms, end }: Work): Promise<string> {
    this.#stage.guard(() => this.#received(attempt, handle));
    await new Promise<void>((resolve) => attempt.process.clock.schedule(ms, resolve));
    attempt.askForRelease();
    if (end === 'throws') throw WORK_FAILED;
    if (end === 'releases') await handle.release().catch(() => {});
    return 'done';
  }

  #follow(attempt: Attempt, holding: Promise<string>, { end }: Work): void {
    const fulfilled = (): void => {
      if (!attempt.handle) throw attempt.breach('fulfilled without having run its function');
      if (end === 'throws') throw attempt.breach('fulfilled though its function rejected');
      const wasLost = attempt.validForMs === 0;
      if (end === 'returns' && wasLost) throw attempt.breach('fulfilled though its lock was lost');
    };
    const rejected = (error: unknown): void => {
      if (!attempt.handle) {
        this.#rejected(attempt, error);
        return;
      }
      this.#stage.note('hold rejects', attempt.name, error);
      if (end !== 'throws') this.#stage.assertCode(attempt, 'hold', error, ['LOCK_LOST']);
      else if (error !== WORK_FAILED) throw attempt.breach('did not reject as its function did');
    };
    holding.then(
      () => this.#stage.guard(fulfilled),
      (error: unknown) => this.#stage.guard(() => rejected(error)),
    );
  }

  #received(attempt: Attempt, handle: LockHandle): void {
    const { server, now } = this.#stage;
    this.#stage.note('has it', attempt.name, handle.sessionId, handle.fencingToken);
    this.#settled(attempt, 'held');
    attempt.handle = handle;
    attempt.acquiredAt = now;
    if (attempt.wasCancelled) throw attempt.breach('was cancelled, and has the lock');
    if (attempt.process.isShutDown) throw attempt.breach('has the lock after a shutdown');
    const isDisturbed = this.#stage.isDisturbed(attempt);
    if (!handle.isHeld && !isDisturbed) throw attempt.breach('is over before it was had');
    for (const key of attempt.fullKeys) {
      const before = this.#tokens.get(key) ?? 0;
      if (handle.fencingToken <= before && !isDisturbed) {
        throw attempt.breach(`has token ${handle.fencingToken}, and ${before} was given before`);
      }
      this.#tokens.set(key, Math.max(before, handle.fencingToken));
    }
    const index = Math.max(...attempt.fullKeys.map((key) => server.entry(key)?.modifyIndex ?? 0));
    if (index !== handle.fencingToken && !isDisturbed && !attempt.isOverwritten) {
      throw attempt.breach(`has token ${handle.fencingToken}, where Consul has ${index}`);
    }
    // What was taken from an earlier try of it has been taken anew.
    const hasAll = attempt.fullKeys.every(
      (key) => this.#stage.has(attempt, key) && server.holderOf(key)!.session === handle.sessionId,
    );
    if (hasAll && index === handle.fencingToken) attempt.disturbance = undefined;
  }

  /** Null means exactly one thing: another contender has the lock, or its lock delay is running. */
  #refused(attempt: Attempt): void {
    this.#stage.note('gets null', attempt.name);
    this.#settled(attempt, 'null');
    if (attempt.how !== 'try') throw attempt.breach('got null');
    const { processes, hasData, attempts } = this.#stage;
    const isContended = attempt.fullKeys.some((key) => this.#isContended(attempt, key));
    const wasLiedTo = processes.some(({ line }) => line.hasLied);
    // By the clock of somebody in this process, whatever Consul says.
    const isHeldHere = attempts.some(
      (other) =>
        other.process === attempt.process &&
        other.handle &&
        this.#stage.isDisturbed(other) &&
        other.rivals(attempt),
    );
    if (!isContended && !wasLiedTo && !isHeldHere && !hasData) {
      throw attempt.breach('got null, though nobody else had the lock');
    }
  }

  #isContended({ number, startedAt }: Attempt, key: string): boolean {
    const { server } = this.#stage;
    const others = server.tenuresSince(key, startedAt).filter(({ value }) => numberIn(value) !== number);
    return others.length > 0 || server.wasLockDelayed(key, startedAt);
  }

  #rejected(attempt: Attempt, error: unknown): void {
    this.#stage.note('rejects', attempt.name, error);
    this.#settled(attempt, 'rejected');
    if (error === CANCELLED) {
      if (!attempt.wasCancelled) throw attempt.breach('was cancelled by nobody');
      return;
    }
    const codes = [
      attempt.how !== 'try' && 'LOCK_NOT_ACQUIRED',
      this.#stage.hasData && 'LOCK_CONFLICT',
      attempt.process.isShutDown && 'LOCK_SHUTDOWN',
      attempt.lock.isAdopted && 'CONSUL_REJECTED',
    ].filter((code) => code !== false);
    this.#stage.assertCode(attempt, 'it', error, this.#stage.codesOf(...codes));
  }

  #settled(attempt: Attempt, state: Attempt['state']): void {
    if (attempt.state !== 'pending') throw attempt.breach(`settled twice: ${attempt.state}, ${state}`);
    attempt.state = state;
    this.#stage.assertInTime(attempt);
    const listeners = getEventListeners(attempt.controller.signal, 'abort');
    if (listeners.length > 0) throw attempt.breach(`left ${listeners.length} listener(s) to its signal`);
  }
}
