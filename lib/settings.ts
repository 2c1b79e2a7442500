import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { CLOCK, type Clock, eitherClock } from './clock.ts';
import { systemClock } from './system-clock.ts';
import type { ConsulClient } from './consul-client.ts';
import { consulFromEnv } from './consul-env.ts';
import { type Log, logTo } from './log.ts';
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
  readonly logger: Log | undefined;
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
  lastDefaults = undefined;
}

interface Resolved {
  readonly from: Defaults;
  readonly acquireTimeoutMs: number | undefined;
  readonly settings: Settings;
}

/** The last settings of each lock: every acquisition asks, and seldom anything is new. */
const lastResolved = new WeakMap<Given<LockOptions>, Resolved>();

/**
 * Built-in < `defaults` < `options` < `acquireTimeoutMs`; throws `TypeError` or `RangeError`. The only place that reads
 * `defaults`.
 */
export function resolveSettings(options: Given<LockOptions>, acquireTimeoutMs?: number): Settings {
  const from = checkedDefaults();
  const last = lastResolved.get(options);
  if (last?.from === from && last.acquireTimeoutMs === acquireTimeoutMs) return last.settings;
  const all = { ...from, ...options };
  assertRelations(all);
  const client = all.consulClient ?? (clientFromEnv ??= consulFromEnv());
  const clock = clockOf(client);
  // Written out: objects that are copied as a whole take twice the memory, and every held lock has one.
  const settings: Settings = Object.freeze({
    client,
    clock,
    waitingClock: eitherClock(clock, systemClock),
    acquireTimeoutMs: acquireTimeoutMs ?? all.acquireTimeoutMs,
    lockTimeoutMs: all.lockTimeoutMs,
    lockKeyPattern: all.lockKeyPattern,
    generateValue: all.generateValue,
    renews: all.renew !== false,
    maxHoldMs: typeof all.renew === 'object' ? all.renew.maxHoldMs : Infinity,
    lockDelayMs: all.lockDelayMs,
    sessionName: all.sessionName,
    checks: all.checks,
    behavior: all.behavior,
    session: all.session,
    token: all.token,
    dc: all.dc,
    requestTimeoutMs: all.requestTimeoutMs,
    retryTimeoutMs: all.retryTimeoutMs,
    logger: all.logger && logTo(all.logger),
  });
  lastResolved.set(options, { from, acquireTimeoutMs, settings });
  return settings;
}

type Defaults = typeof builtIn;

let lastDefaults:
  { readonly read: Readonly<Record<string, unknown>>; readonly checked: Defaults } | undefined;

/** Checked anew only when something was set. */
function checkedDefaults(): Defaults {
  if (lastDefaults && isSame(lastDefaults.read, defaults)) return lastDefaults.checked;
  const checked = { ...builtIn, ...checkedLockOptions(defaults, 'defaults') };
  // What a program can change in place is looked at each time.
  const { checks, renew } = defaults;
  const isFixed = (checks === undefined || Object.isFrozen(checks)) && typeof renew !== 'object';
  lastDefaults = isFixed ? { read: { ...defaults }, checked } : undefined;
  return checked;
}

function isSame(one: Readonly<Record<string, unknown>>, other: object): boolean {
  let count = 0;
  for (const name in other) {
    if (one[name] !== (other as Record<string, unknown>)[name]) return false;
    count++;
  }
  return count === Object.keys(one).length;
}

function clockOf(client: ConsulClient): Clock {
  return (client as { [CLOCK]?: Clock })[CLOCK] ?? systemClock;
}

let whereItRuns: string | undefined;

/** JSON, put together by hand: every acquisition needs one. */
function describeHolder(): string {
  whereItRuns ??= `"hostname":${JSON.stringify(hostname())},"pid":${process.pid}`;
  return `{"locked_at":"${isoNow()}",${whereItRuns},"lock_id":"${randomUUID()}"}`;
}

let second = NaN;
let textOfSecond = '';

/** As `toISOString` writes it, which is asked only once for each second. */
function isoNow(): string {
  const now = Date.now();
  const millisecond = ((now % 1_000) + 1_000) % 1_000;
  if (now - millisecond !== second) {
    second = now - millisecond;
    textOfSecond = new Date(second).toISOString().slice(0, -4);
  }
  return `${textOfSecond}${String(millisecond).padStart(3, '0')}Z`;
}
