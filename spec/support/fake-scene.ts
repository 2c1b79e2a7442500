import type { Logger } from 'pino';
import { lifecycle } from '../../lib/lifecycle.ts';
import { EphemeralLock, type LockOptions } from '../../lib/index.ts';
import { sessionPool } from '../../lib/session-pool.ts';
import { FakeConsul } from '../../lib/testing/index.ts';
import { HookedClient } from './hooked-client.ts';
import { justUsed } from './just-used.ts';

export const FULL_KEY = 'locks/ephemeral/key';

/** No lock ends by its time unless a spec says so. */
const LONG_MS = 80_000_000;

/** An entry as the fake shows it. */
export interface FakeEntry {
  readonly Value: string;
  readonly Session?: string;
  readonly Flags: number;
  readonly LockIndex: number;
  readonly ModifyIndex: number;
}

/**
 * What a unit spec of locks works with: a Consul in memory, and a client of it that can be made to fail. Its time moves
 * only by `fake.advance`; the limits of requests are real, and short.
 */
export class FakeScene {
  readonly fake: FakeConsul = new FakeConsul({ sessionTtlMinMs: 100 });
  readonly client: HookedClient = new HookedClient(this.fake);
  readonly #userSessions = new Set<string>();

  get options(): LockOptions {
    return {
      consulClient: this.client,
      lockTimeoutMs: LONG_MS,
      minLockTimeoutMs: 100,
      requestTimeoutMs: 5_000,
    };
  }

  /** A lock behind the client that can fail, in a program that has just used one like it. */
  lock(options: LockOptions = {}, keys: string | readonly string[] = 'key'): EphemeralLock {
    const all = { ...this.options, ...options };
    return new EphemeralLock(keys, justUsed(all));
  }

  /** The same in a program that seldom uses one. */
  rareLock(options: LockOptions = {}, keys: string | readonly string[] = 'key'): EphemeralLock {
    return new EphemeralLock(keys, { ...this.options, ...options });
  }

  /** A lock of another process, with a client that does not fail. */
  otherLock(options: LockOptions = {}, keys: string | readonly string[] = 'key'): EphemeralLock {
    return new EphemeralLock(keys, { ...this.options, consulClient: this.fake, ...options });
  }

  async entry(fullKey: string = FULL_KEY): Promise<FakeEntry | undefined> {
    return (await this.fake.kv.get(fullKey)) as FakeEntry | undefined;
  }

  /** A session that a user made. */
  async userSession(ttl = '86400s'): Promise<string> {
    const { ID: id } = (await this.fake.session.create({ ttl, lockdelay: '0s', behavior: 'delete' })) as {
      ID: string;
    };
    this.#userSessions.add(id);
    return id;
  }

  /** Locks and unlocks a key as another program would. */
  async leaveBehind(fullKey: string, value: string): Promise<void> {
    const session = await this.userSession();
    await this.fake.kv.set({ key: fullKey, value, acquire: session });
    await this.fake.kv.set({ key: fullKey, value, release: session });
    await this.fake.session.destroy(session);
  }

  /** What follows in the background has been done, up to the last look at a doubtful session. */
  async aftermath(): Promise<void> {
    // What looks again later does so by this clock.
    const moving = setInterval(() => void this.fake.advance(5_000), 1);
    await lifecycle.settled();
    clearInterval(moving);
    await this.fake.advance(0);
  }

  /** The end of a spec: nothing is under way. Rejects when any session is left but those that a user made. */
  async end(): Promise<void> {
    this.client.heal();
    await sessionPool.drain();
    await this.aftermath();
    const left = this.fake.sessions().filter(({ ID }) => !this.#userSessions.has(ID));
    if (left.length > 0) throw new Error(`sessions left behind: ${JSON.stringify(left)}`);
  }
}

export function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** A promise, and how to settle it. */
export interface Deferred {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

export function deferred(): Deferred {
  let resolve = (): void => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** A pino logger that remembers, and writes nothing. */
export class LogBook {
  readonly entries: { readonly level: string; readonly message: string; readonly fields: object }[] = [];
  readonly logger: Logger = {
    debug: this.#write('debug'),
    warn: this.#write('warn'),
    child: () => this.logger,
  } as never;

  of(level: 'debug' | 'warn'): string[] {
    return this.entries.filter((entry) => entry.level === level).map(({ message }) => message);
  }

  #write(level: string): (fields: object, message: string) => void {
    return (fields, message) => this.entries.push({ level, message, fields });
  }
}
