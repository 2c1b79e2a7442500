import { AsyncLocalStorage } from 'node:async_hooks';
import { acquire } from './acquisition.ts';
import { shutdownError } from './acquisition-errors.ts';
import { type AcquireMessage, events, type HoldMessage } from './events.ts';
import { lifecycle } from './lifecycle.ts';
import { endHold, heldMsOf, LockHandle } from './lock-handle.ts';
import { checkedKeys, type KeyOrKeys, shown } from './lock-key.ts';
import {
  type AcquireOptions,
  checkedAcquireOptions,
  checkedLockOptions,
  type Given,
  type LockOptions,
} from './options.ts';
import type { Lot } from './lot.ts';
import { merged } from './merged.ts';
import { type LockTerms, termsOf } from './lock-terms.ts';
import { resolveSettings } from './settings.ts';

/** What the callers up the asynchronous call chain hold, to tell a lock that waits for itself. */
const heldUpTheChain = new AsyncLocalStorage<
  readonly { readonly handle: LockHandle; readonly terms: LockTerms }[]
>();

/**
 * A lock: one key or several, and how to take them. It is an immutable description without state, to be shared and kept
 * as one likes; every acquisition makes a handle of its own.
 */
export class EphemeralLock {
  readonly #keys: readonly [string, ...string[]];
  readonly #options: Given<LockOptions>;

  /**
   * Throws `TypeError` or `RangeError` for wrong keys and options; what depends on `defaults` is checked at each
   * acquisition.
   */
  constructor(key: KeyOrKeys, options?: LockOptions) {
    this.#keys = checkedKeys(key);
    this.#options = checkedLockOptions(options);
  }

  /** The first of `keys`. */
  get key(): string {
    return this.#keys[0];
  }

  /** The keys as they were given. */
  get keys(): readonly string[] {
    return this.#keys;
  }

  /**
   * Takes the lock: every key or none. Waits up to `acquireTimeoutMs` for another holder; retries Consul's transient
   * failures up to the larger of that and `retryTimeoutMs`; settles within 2 × `requestTimeoutMs` more.
   *
   * Rejects with `LockAcquisitionError`, `ConsulRequestError`, the reason of `signal`, or `TypeError` and `RangeError` for
   * wrong options. With `failHard: false` it resolves to null when another contender has the lock, or its lock delay is
   * running.
   */
  async acquire(options?: AcquireOptions & { failHard?: true }): Promise<LockHandle>;
  async acquire(options: AcquireOptions): Promise<LockHandle | null>;
  async acquire(options?: AcquireOptions): Promise<LockHandle | null> {
    const given = checkedAcquireOptions(options);
    return await this.#acquire(this.#terms(given), given);
  }

  /** `acquire` with `failHard: false`: null when another contender has the lock. */
  async tryAcquire(options?: AcquireOptions): Promise<LockHandle | null> {
    const given = checkedAcquireOptions(options);
    if (given.failHard === true) {
      throw new TypeError('failHard: must not be true for tryAcquire, which resolves to null; got true');
    }
    return await this.#acquire(this.#terms(given), merged(given, { failHard: false as const }));
  }

  /**
   * Runs `fn` while the lock is held, and gives it back. Resolves to what `fn` returns.
   *
   * The rejection of `fn` always wins. Rejects with `LockLostError` when `fn` fulfilled but the lock was lost meanwhile. When
   * only the giving back failed, that is logged at `warn`: the TTL frees the key, and the work is done.
   */
  async hold<T>(fn: (handle: LockHandle) => T | PromiseLike<T>, options?: AcquireOptions): Promise<T> {
    if (typeof fn !== 'function') throw new TypeError(`fn: must be a function; got ${shown(fn)}`);
    const given = checkedAcquireOptions(options);
    if (given.failHard === false) {
      throw new TypeError('failHard: must not be false for hold, which never skips its function; got false');
    }
    const terms = this.#terms(given);
    if (!events.hold.hasSubscribers) return await this.#hold(terms, fn, given);
    const message: HoldMessage = { keys: terms.keys, fullKeys: terms.fullKeys, heldMs: 0 };
    return await events.hold.tracePromise(
      async () => await this.#hold(terms, fn, given, (heldMs) => (message.heldMs = heldMs)),
      message,
    );
  }

  /** The settings, as they are now. */
  #terms({ acquireTimeoutMs }: Given<AcquireOptions>): LockTerms {
    return termsOf(resolveSettings(this.#options, acquireTimeoutMs), this.#keys);
  }

  async #hold<T>(
    terms: LockTerms,
    fn: (handle: LockHandle) => T | PromiseLike<T>,
    given: Given<AcquireOptions>,
    onEnd?: (heldMs: number) => void,
  ): Promise<T> {
    const handle = (await this.#acquire(terms, given)) as LockHandle;
    const outer = heldUpTheChain.getStore() ?? [];
    let result: T;
    try {
      result = await heldUpTheChain.run([...outer, { handle, terms }], async () => await fn(handle));
    } catch (error) {
      await handle[Symbol.asyncDispose]();
      onEnd?.(heldMsOf(handle));
      throw error;
    }
    const lost = await endHold(handle);
    onEnd?.(heldMsOf(handle));
    if (lost !== undefined) throw lost;
    return result;
  }

  /** Written without `async`, as `sendRequest` is. */
  #acquire(terms: LockTerms, given: Given<AcquireOptions>): Promise<LockHandle | null> {
    if (!events.acquire.hasSubscribers) return this.#take(terms, given);
    const message: AcquireMessage = {
      keys: terms.keys,
      fullKeys: terms.fullKeys,
      waitedMs: 0,
      attempts: 0,
      fencingToken: undefined,
    };
    return events.acquire.tracePromise(async () => await this.#take(terms, given, message), message);
  }

  async #take(
    terms: LockTerms,
    { signal, failHard = true }: Given<AcquireOptions>,
    message?: AcquireMessage,
  ): Promise<LockHandle | null> {
    const handle = await acquire(
      {
        terms,
        signal,
        failHard,
        waitsForItself,
        onEnd:
          message &&
          (({ attempts, waitedMs }) => {
            message.attempts = attempts;
            message.waitedMs = Math.round(waitedMs);
          }),
      },
      handleOf,
    );
    if (!handle || !lifecycle.isShutDown) {
      if (message) message.fencingToken = handle?.fencingToken;
      return handle;
    }
    // A `shutdown` may have come in the moment since the lock was taken.
    await handle[Symbol.asyncDispose]();
    throw shutdownError({ keys: this.#keys, attempts: 1, waitedMs: 0 });
  }
}

function handleOf(lot: Lot): LockHandle {
  return new LockHandle(lot);
}

/** Whether one of these keys is held further up in the same asynchronous call chain. */
function waitsForItself(terms: LockTerms): boolean {
  return (heldUpTheChain.getStore() ?? []).some(
    (outer) =>
      outer.handle.isHeld &&
      isSamePlace(outer.terms, terms) &&
      outer.handle.fullKeys.some((fullKey) => terms.fullKeys.includes(fullKey)),
  );
}

/** Keys of the same name in two datacenters are two locks. */
function isSamePlace({ settings: one }: LockTerms, { settings: other }: LockTerms): boolean {
  return one.client === other.client && one.dc === other.dc;
}
