import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { CLOCK, type Clock, eitherClock, systemClock } from './clock.ts';
import type { ConsulClient } from './consul-client.ts';
import { consulFromEnv } from './consul-env.ts';
import {
  assertRelations,
  checkedLockOptions,
  type Given,
  type LockBehavior,
  type LockOptions,
} from './options.ts';

/** The settings of one acquisition: all layers resolved, checked and frozen. */
export interface Settings {
  readonly client: ConsulClient;
  /** The clock by which leases are counted: the client's own, or the system's. */
  readonly clock: Clock;
  /** Waiting counts by the system's clock too: it must end under a test's clock that stands still. */
  readonly waitingClock: Clock;
  readonly acquireTimeoutMs: number;
  readonly lockTimeoutMs: number;
  readonly lockKeyPattern: string;
  readonly generateValue: (key: string) => string | Buffer;
  readonly renews: boolean;
  /** `Infinity` without a ceiling. */
  readonly maxHoldMs: number;
  readonly lockDelayMs: number;
  readonly sessionName: string;
  readonly checks: readonly string[];
  readonly behavior: LockBehavior;
  readonly session: string | undefined;
  readonly token: string | undefined;
  readonly dc: string | undefined;
  readonly requestTimeoutMs: number;
  readonly retryTimeoutMs: number;
  readonly logger: Logger | undefined;
}

const builtIn = {
  consulClient: undefined as ConsulClient | undefined,
  acquireTimeoutMs: 0,
  lockTimeoutMs: 180_000,
  minLockTimeoutMs: 10_000,
  lockKeyPattern: 'locks/ephemeral/%s',
  generateValue: describeHolder as (key: string) => string | Buffer,
  renew: false as Exclude<LockOptions['renew'], undefined>,
  lockDelayMs: 0,
  sessionName: 'consul-lock',
  checks: Object.freeze([]) as readonly string[],
  behavior: 'delete' as LockBehavior,
  session: undefined as string | undefined,
  token: undefined as string | undefined,
  dc: undefined as string | undefined,
  requestTimeoutMs: 10_000,
  retryTimeoutMs: 2_000,
  logger: undefined as Logger | undefined,
} satisfies { [name in keyof LockOptions]-?: LockOptions[name] };

/** The settings of all locks that do not say otherwise. A program sets them at start-up; `configure` checks them at once. */
export const defaults: LockOptions = { ...builtIn };

let clientFromEnv: ReturnType<typeof consulFromEnv> | undefined;

/** Sets defaults, with everything checked before anything is set; throws `TypeError` or `RangeError`. */
export function configure(options: LockOptions): void {
  const given = checkedLockOptions(options, 'configure');
  assertRelations({ ...builtIn, ...checkedLockOptions(defaults, 'defaults'), ...given });
  Object.assign(defaults, given);
}

/** Puts the built-in values back. */
export function restoreDefaults(): void {
  for (const name of Object.keys(defaults)) delete defaults[name as keyof LockOptions];
  Object.assign(defaults, builtIn);
  clientFromEnv?.destroy();
  clientFromEnv = undefined;
}

/** Built-in < `defaults` < `options`; throws `TypeError` or `RangeError`. The only place that reads `defaults`. */
export function resolveSettings(options: Given<LockOptions>): Settings {
  const {
    consulClient: client = (clientFromEnv ??= consulFromEnv()),
    minLockTimeoutMs,
    renew,
    ...rest
  } = { ...builtIn, ...checkedLockOptions(defaults, 'defaults'), ...options };
  assertRelations({ lockTimeoutMs: rest.lockTimeoutMs, minLockTimeoutMs });
  const clock = clockOf(client);
  return Object.freeze({
    ...rest,
    client,
    clock,
    waitingClock: eitherClock(clock, systemClock),
    renews: renew !== false,
    maxHoldMs: typeof renew === 'object' ? renew.maxHoldMs : Infinity,
  });
}

function clockOf(client: ConsulClient): Clock {
  return (client as { [CLOCK]?: Clock })[CLOCK] ?? systemClock;
}

function describeHolder(): string {
  return JSON.stringify({
    locked_at: new Date().toISOString(),
    hostname: hostname(),
    pid: process.pid,
    lock_id: randomUUID(),
  });
}
