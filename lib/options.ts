import type { Logger } from 'pino';
import { assertCallable, type ConsulClient } from './consul-client.ts';
import { assertKeyPattern, shown } from './lock-key.ts';

/** What to do with the lock's key when its session ends: Consul's session behavior. */
export type LockBehavior = 'delete' | 'release';

/** For how long at most a lock is kept alive. */
export interface RenewOptions {
  /** In milliseconds: the lock's deadline never lies later than `acquiredAt` plus this. */
  maxHoldMs: number;
}

/** The settings of a lock; each can be set for all locks in `defaults`. `undefined` means "not given". */
export interface LockOptions {
  /**
   * An instance of the `consul` package, or anything of the same shape for the calls used.
   *
   * @default made on first use by `consulFromEnv()`
   */
  consulClient?: ConsulClient | undefined;
  /**
   * How long to wait for another holder, in milliseconds: an integer ≥ 0, or `Infinity`. 0 is one attempt.
   *
   * @default 0
   */
  acquireTimeoutMs?: number | undefined;
  /**
   * The TTL of the lock's session in milliseconds, `minLockTimeoutMs` … 86 400 000: the lock's life unless renewed. A
   * dead holder keeps others out for twice as long, because Consul ends a session between one and two TTLs (measured:
   * two). Longer outlives longer pauses and elections; shorter frees the lock of a dead holder sooner.
   *
   * @default 180_000
   */
  lockTimeoutMs?: number | undefined;
  /**
   * The least `lockTimeoutMs`, in milliseconds, ≥ 100. Consul's own lower bound of a TTL is 10 s: lower this only
   * together with the servers' `session_ttl_min`.
   *
   * @default 10_000
   */
  minLockTimeoutMs?: number | undefined;
  /**
   * The key in Consul, with exactly one `%s` for the lock's key.
   *
   * @default 'locks/ephemeral/%s'
   */
  lockKeyPattern?: string | undefined;
  /**
   * Makes the value of the lock's key, once for each acquisition and key: at most 8 KiB.
   *
   * @default JSON with `locked_at`, `hostname`, `pid` and `lock_id`
   */
  generateValue?: ((key: string) => string | Buffer) | undefined;
  /**
   * Keeps the lock alive while it is held: `true` without a ceiling, or up to `maxHoldMs`.
   *
   * @default false
   */
  renew?: boolean | RenewOptions | undefined;
  /**
   * For how long Consul keeps others out after the lock was *lost*, 0 … 60 000 ms; a proper release never waits for it.
   * At `lockTimeoutMs` or more it keeps them out until the deadline of a holder that has not noticed, where its session was ended
   * and its key not deleted (docs/safety.md, W4).
   *
   * @default 0
   */
  lockDelayMs?: number | undefined;
  /**
   * The name of the session in Consul's UI.
   *
   * @default 'consul-lock'
   */
  sessionName?: string | undefined;
  /**
   * The health checks that end the session. None: only the TTL, operators and the agent's leaving do. `['serfHealth']`
   * frees locks sooner when a node dies, at the price of false losses.
   *
   * @default []
   */
  checks?: readonly string[] | undefined;
  /**
   * `'release'` leaves the unlocked key and its value behind.
   *
   * @default 'delete'
   */
  behavior?: LockBehavior | undefined;
  /**
   * The id of a session to use instead of making one. It is renewed at the acquisition and never destroyed; its TTL is
   * read from Consul, and it must have one. A key that it already holds is contention. Its name, its checks and its lock delay
   * are as it was made: `sessionName`, `checks` and `lockDelayMs` are for sessions that are made here.
   */
  session?: string | undefined;
  /**
   * The ACL token of every request.
   *
   * @default the client's
   */
  token?: string | undefined;
  /**
   * The datacenter of every request.
   *
   * @default the client's
   */
  dc?: string | undefined;
  /**
   * The limit of each single request in milliseconds, an integer ≥ 1 (a blocking query: its wait plus this).
   *
   * @default 10_000
   */
  requestTimeoutMs?: number | undefined;
  /**
   * For how long Consul's transient failures are retried, in milliseconds, also with `acquireTimeoutMs: 0`. An integer
   * ≥ 0; 0 turns it off.
   *
   * @default 2_000
   */
  retryTimeoutMs?: number | undefined;
  /**
   * Any pino logger. `debug`: attempts; `warn`: loss, failed release, time nearly used up. Never a token, never a value.
   *
   * @default silent
   */
  logger?: Logger | undefined;
}

/** The settings of one acquisition. */
export interface AcquireOptions {
  /** Cancels the waiting: the promise rejects with `signal.reason`. */
  signal?: AbortSignal | undefined;
  /** How long to wait for another holder, in milliseconds: an integer ≥ 0, or `Infinity`. */
  acquireTimeoutMs?: number | undefined;
  /** `false`: resolves to null when another contender has the lock, or its lock delay is running. */
  failHard?: boolean | undefined;
}

/** Options as given: what was `undefined` is not there. */
export type Given<Options> = { readonly [name in keyof Options]?: Exclude<Options[name], undefined> };

export const LONGEST_LOCK_TIMEOUT_MS = 86_400_000;
export const LONGEST_TIMEOUT_MS: number = 2 ** 31 - 1;
/** Consul's own limit of a lock delay (source: Consul's session documentation). */
const LONGEST_LOCK_DELAY_MS = 60_000;
const SHORTEST_LOCK_TIMEOUT_MS = 100;

type Check = (name: string, value: unknown) => void;

function integer(least: number, most: number, { orInfinity = false } = {}): Check {
  return (name, value) => {
    const rule = `must be an integer from ${least} to ${most}${orInfinity ? ', or Infinity' : ''} (milliseconds)`;
    if (typeof value !== 'number') throw new TypeError(`${name}: ${rule}; got ${shown(value)}`);
    if (orInfinity && value === Infinity) return;
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new RangeError(`${name}: ${rule}; got ${value}`);
    }
  };
}

const text: Check = (name, value) => {
  if (typeof value !== 'string') throw new TypeError(`${name}: must be a string; got ${shown(value)}`);
  if (value === '') throw new TypeError(`${name}: must not be empty; got ''`);
};

/** Says of a token what it is not, never what it is. */
const secret: Check = (name, value) => {
  if (typeof value !== 'string') throw new TypeError(`${name}: must be a string; got a ${typeof value}`);
  if (!/^[\x21-\x7e]+$/.test(value)) {
    throw new TypeError(
      `${name}: must be printable ASCII without spaces, and not empty; got ${value.length} characters`,
    );
  }
};

const checks = {
  consulClient: assertCallable,
  acquireTimeoutMs: integer(0, Number.MAX_SAFE_INTEGER, { orInfinity: true }),
  lockTimeoutMs: integer(SHORTEST_LOCK_TIMEOUT_MS, LONGEST_LOCK_TIMEOUT_MS),
  minLockTimeoutMs: integer(SHORTEST_LOCK_TIMEOUT_MS, LONGEST_LOCK_TIMEOUT_MS),
  lockKeyPattern: (_name, value) => assertKeyPattern(value),
  generateValue(name, value) {
    if (typeof value !== 'function') throw new TypeError(`${name}: must be a function; got ${shown(value)}`);
  },
  renew(name, value) {
    if (typeof value === 'boolean') return;
    if (!isRecord(value)) {
      throw new TypeError(`${name}: must be true, false or { maxHoldMs }; got ${shown(value)}`);
    }
    assertKnownNames(value, ['maxHoldMs'], name);
    integer(1, Number.MAX_SAFE_INTEGER)(`${name}.maxHoldMs`, value['maxHoldMs']);
  },
  lockDelayMs: integer(0, LONGEST_LOCK_DELAY_MS),
  sessionName: text,
  checks(name, value) {
    if (!Array.isArray(value))
      throw new TypeError(`${name}: must be an array of strings; got ${shown(value)}`);
    // Holes too, which forEach would skip.
    Array.from(value as unknown[]).forEach((check, index) => text(`${name}[${index}]`, check));
  },
  behavior(name, value) {
    if (value !== 'delete' && value !== 'release') {
      throw new TypeError(`${name}: must be 'delete' or 'release'; got ${shown(value)}`);
    }
  },
  session(name, value) {
    text(name, value);
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value as string)) {
      throw new TypeError(
        `${name}: must be the id of a session, a UUID in lower case as Consul gives it; got ${shown(value)}`,
      );
    }
  },
  token: secret,
  dc: text,
  requestTimeoutMs: integer(1, LONGEST_TIMEOUT_MS),
  retryTimeoutMs: integer(0, LONGEST_TIMEOUT_MS),
  logger(name, value) {
    if (
      !isRecord(value) ||
      ['debug', 'warn', 'child'].some((method) => typeof value[method] !== 'function')
    ) {
      throw new TypeError(`${name}: must be a pino logger (debug, warn, child); got ${shown(value)}`);
    }
  },
} satisfies { [name in keyof LockOptions]-?: Check };

const acquireChecks = {
  signal(name, value) {
    if (!(value instanceof AbortSignal)) {
      throw new TypeError(`${name}: must be an AbortSignal; got ${shown(value)}`);
    }
  },
  acquireTimeoutMs: checks.acquireTimeoutMs,
  failHard(name, value) {
    if (typeof value !== 'boolean') throw new TypeError(`${name}: must be a boolean; got ${shown(value)}`);
  },
} satisfies { [name in keyof AcquireOptions]-?: Check };

/** The checked and frozen copy of the options that were given; what depends on `defaults` is not looked at here. */
export function checkedLockOptions(options: unknown, name = 'options'): Given<LockOptions> {
  const given = checked(options, checks, name) as Given<LockOptions>;
  return Object.freeze({
    ...given,
    ...(given.checks && { checks: Object.freeze([...given.checks]) }),
    ...(typeof given.renew === 'object' && { renew: Object.freeze({ ...given.renew }) }),
  });
}

const NONE_GIVEN: Given<AcquireOptions> = Object.freeze({});

export function checkedAcquireOptions(options: unknown): Given<AcquireOptions> {
  if (options === undefined) return NONE_GIVEN;
  return Object.freeze(checked(options, acquireChecks, 'options') as Given<AcquireOptions>);
}

export function assertOptions(options: unknown, known: readonly string[], name: string): void {
  if (!isRecord(options)) throw new TypeError(`${name}: must be an object; got ${shown(options)}`);
  assertKnownNames(options, known, name);
}

function checked(options: unknown, rules: Record<string, Check>, name: string): object {
  if (options === undefined) return {};
  if (!isRecord(options)) throw new TypeError(`${name}: must be an object; got ${shown(options)}`);
  assertKnownNames(options, Object.keys(rules), name);
  const given: Record<string, unknown> = {};
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined) continue;
    rules[option]?.(option, value);
    given[option] = value;
  }
  return given;
}

function assertKnownNames(options: object, known: readonly string[], name: string): void {
  const unknown = Object.keys(options).find((option) => !known.includes(option));
  if (unknown !== undefined) {
    throw new TypeError(
      `${name}: must have known names only (${known.join(', ')}); got ${JSON.stringify(unknown)}`,
    );
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Checks the relations between options, once all of them are known. */
export function assertRelations({
  lockTimeoutMs,
  minLockTimeoutMs,
}: {
  lockTimeoutMs: number;
  minLockTimeoutMs: number;
}): void {
  if (lockTimeoutMs < minLockTimeoutMs) {
    throw new RangeError(
      `lockTimeoutMs: must be an integer from ${minLockTimeoutMs} (minLockTimeoutMs) to ` +
        `${LONGEST_LOCK_TIMEOUT_MS} (milliseconds); got ${lockTimeoutMs}`,
    );
  }
}
