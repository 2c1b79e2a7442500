import type { ConsulLockError, LockHandle, LockLostError } from '../../../lib/index.ts';
import { type Attempt, fullKeyOf } from './attempt.ts';
import { Breach } from './breach.ts';
import type { Stage } from './stage.ts';
import type { Use } from './terms.ts';

/** So many ways of a request or an answer a release may take, at most. */
const WAYS_OF_RELEASE = 10;

/** A deadline counts whole milliseconds. */
const ROUNDING_MS = 1;

/** With what a call is refused when the lock has ended. */
const ENDED = ['LOCK_LOST', 'LOCK_NOT_HELD'];
const NONE = (): string[] => [];

/** What holders do with their handles, and what they are told. */
export class Uses {
  readonly #stage: Stage;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  use(attempt: Attempt, how: Use): void {
    const handle = attempt.handle!;
    switch (how) {
      case 'release':
        this.release(attempt);
        return;
      case 'dispose':
        attempt.askForRelease();
        attempt.isReleasedElsewhere = true;
        this.#operate(how, attempt, handle[Symbol.asyncDispose]());
        return;
      case 'renew':
        this.#operate(how, attempt, this.#renew(attempt, handle));
        return;
      case 'verify':
        this.#operate(how, attempt, this.#verify(attempt, handle));
        return;
      case 'signal':
        this.#watch(attempt, handle);
        return;
      case 'assert':
        this.#assert(attempt, handle);
        return;
      case 'write':
      case 'rewrite':
      case 'refused write':
        this.#operate(how, attempt, this.#write(attempt, handle, how));
        return;
    }
  }

  release(attempt: Attempt): void {
    const { requestTimeoutMs, retryTimeoutMs } = this.#stage.terms;
    const wasOver = attempt.isOver;
    const validForMs = attempt.askForRelease();
    attempt.releasesUnderWay++;
    const work = this.#released(attempt, wasOver, validForMs).finally(() => attempt.releasesUnderWay--);
    this.#operate('release', attempt, work, requestTimeoutMs + retryTimeoutMs);
  }

  async #released(attempt: Attempt, wasOver: boolean, validForMs: number): Promise<void> {
    const { isCalm, terms } = this.#stage;
    await this.#answered(attempt, 'release', NONE, async () => {
      const wasOurs = await attempt.handle!.release();
      this.#stage.note('release', attempt.name, wasOurs);
      attempt.isOver = true;
      if (wasOurs && wasOver) throw attempt.breach('was given back twice');
      const isOurs = !wasOver && !attempt.isReleasedElsewhere;
      if (wasOurs && attempt.wasDisturbed && !this.#stage.isRough) {
        throw attempt.breach('was given back though it was lost');
      }
      if (wasOurs && isOurs && validForMs === 0) throw attempt.breach('was given back after it was lost');
      if (!isCalm || wasOver) return;
      if (!wasOurs && isOurs && validForMs > WAYS_OF_RELEASE * terms.latencyMs) {
        throw attempt.breach(`was not given back with ${validForMs} ms left`);
      }
      const left = attempt.fullKeys.find((key) => this.#stage.has(attempt, key));
      if (left !== undefined) throw attempt.breach(`was given back, and still has ${left}`);
    });
  }

  async #renew(attempt: Attempt, handle: LockHandle): Promise<void> {
    const deadline = this.#stage.now + handle.remainingMs;
    await this.#answered(
      attempt,
      'renew',
      () => ENDED,
      async () => {
        await handle.renew();
        if (!handle.isHeld) throw attempt.breach('was renewed, and is not held');
        const isShorter = this.#stage.now + handle.remainingMs < deadline - ROUNDING_MS;
        if (isShorter && !attempt.process.clock.isSet) throw attempt.breach('was renewed, and has less left');
      },
    );
  }

  async #verify(attempt: Attempt, handle: LockHandle): Promise<void> {
    const wasDisturbed = attempt.disturbance !== undefined;
    await this.#answered(attempt, 'verify', NONE, async () => {
      const isOurs = await handle.verify();
      this.#stage.note('verify', attempt.name, isOurs);
      if (isOurs !== handle.isHeld) throw attempt.breach(`is ours: ${isOurs}, held: ${handle.isHeld}`);
      if (isOurs && wasDisturbed) throw attempt.breach('is ours, though it was lost');
    });
  }

  async #write(attempt: Attempt, handle: LockHandle, how: Use): Promise<void> {
    const [key = 'a'] = attempt.keys;
    const register = registerOf(key);
    const value = base64(`${attempt.value} again ${++attempt.rewritings}`);
    const operation =
      how === 'write'
        ? { Verb: 'set', Key: register, Value: base64(attempt.value) }
        : how === 'rewrite'
          ? { Verb: 'set', Key: fullKeyOf(key), Value: value }
          : { Verb: 'check-index', Key: register, Index: 1 };
    const isRejectable = (): boolean => how === 'refused write' || attempt.isOverwritten;
    const codes = (): string[] => [...ENDED, ...(isRejectable() ? ['CONSUL_REJECTED'] : [])];
    await this.#answered(attempt, how, codes, async () => {
      await handle.transaction([{ KV: operation }]);
      this.#stage.note(how, attempt.name, 'done');
      if (how === 'refused write') throw attempt.breach('wrote what Consul refuses');
    });
  }

  #watch(attempt: Attempt, handle: LockHandle): void {
    const { signal } = handle;
    if (attempt.signal) {
      if (attempt.signal !== signal) throw attempt.breach('has another signal');
      return;
    }
    attempt.signal = signal;
    if (signal.aborted && (attempt.validForMs ?? 0) > 0 && !attempt.process.isShutDown) {
      throw attempt.breach('has a signal that was aborted by its release');
    }
    const aborted = (): void => {
      this.#stage.note('signal', attempt.name, signal.reason);
      attempt.aborts++;
      if (attempt.aborts > 1) throw attempt.breach('has a signal that aborted twice');
      if (attempt.isReleaseAsked) throw attempt.breach('has a signal that aborted after its release');
      this.#stage.assertCode(attempt, 'signal', signal.reason, ['LOCK_LOST']);
      const { reason } = signal.reason as LockLostError;
      const isOver = reason === 'expired' || reason === 'shutdown';
      if (
        !isOver &&
        !this.#stage.isDisturbed(attempt) &&
        this.#stage.now < this.#stage.latestDeadline(attempt)
      ) {
        throw attempt.breach(`was lost by nobody's doing: ${reason}`);
      }
    };
    signal.addEventListener('abort', () => this.#stage.guard(aborted));
  }

  #assert(attempt: Attempt, handle: LockHandle): void {
    let failure: unknown;
    try {
      handle.assertHeld();
    } catch (error) {
      failure = error;
    }
    if ((failure === undefined) !== handle.isHeld) throw attempt.breach('assertHeld and isHeld differ');
    if (failure === undefined) return;
    this.#stage.assertCode(attempt, 'assertHeld', failure, ENDED);
    const error = failure as ConsulLockError;
    if (error.code === 'LOCK_NOT_HELD') {
      if (!attempt.isReleaseAsked) throw attempt.breach('was released by nobody');
      return;
    }
    if (attempt.loss && attempt.loss !== error) throw attempt.breach('was lost twice');
    attempt.loss = error;
  }

  async #answered(
    attempt: Attempt,
    call: string,
    codes: () => readonly string[],
    action: () => Promise<void>,
  ): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (error instanceof Breach) throw error;
      this.#stage.note(call, attempt.name, error);
      this.#stage.assertCode(attempt, call, error, this.#stage.codesOf(...codes()));
    }
  }

  #operate(name: string, attempt: Attempt, work: Promise<void>, limitMs = Infinity): void {
    this.#stage.operate(`${name} of ${attempt.name}`, attempt.process, limitMs, work);
  }
}

/** What holders of this key write to. */
export function registerOf(key: string): string {
  return `register/${key}`;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
