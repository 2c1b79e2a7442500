import { randomUUID } from 'node:crypto';
import type { ConsulClient, LockOptions } from '../../../lib/index.ts';

/** A way to reach a Consul, and to do to it what an outsider can do. */
export interface LockHarness {
  readonly client: ConsulClient;
  /** Lets this much time pass, for Consul as for the locks. */
  readonly elapse: (ms: number) => Promise<void>;
}

/** The calls of the `consul` package that an outsider makes in these specs. */
export interface Outsider {
  session: {
    create(options: object): Promise<{ ID: string }>;
    destroy(id: string): Promise<unknown>;
    list(): Promise<
      { ID: string; Name: string; Behavior: string; LockDelay: number; TTL: string; Checks?: string[] }[]
    >;
    info(id: string): Promise<{ ID: string; TTL: string } | undefined>;
  };
  kv: {
    get(
      key: string,
    ): Promise<
      { Value: string; Session?: string; ModifyIndex: number; LockIndex: number; Flags: number } | undefined
    >;
    set(options: {
      key: string;
      value: string;
      acquire?: string;
      release?: string;
      flags?: string;
    }): Promise<unknown>;
    del(key: string): Promise<unknown>;
  };
}

/** Short, because these specs wait for its end; Consul grants it only when its `session_ttl_min` says so. */
export const SHORT_TTL_MS = 500;

/** What one spec works with: keys and sessions that nobody else has. */
export class Bench {
  readonly outsider: Outsider;
  readonly sessionName: string = `spec-${randomUUID()}`;
  readonly options: LockOptions;
  readonly elapse: (ms: number) => Promise<void>;

  constructor({ client, elapse }: LockHarness) {
    this.outsider = client as unknown as Outsider;
    this.elapse = elapse;
    this.options = { consulClient: client, sessionName: this.sessionName, lockTimeoutMs: 10_000 };
  }

  key(name = 'key'): string {
    return `${this.sessionName}/${name}`;
  }

  fullKey(name = 'key'): string {
    return `locks/ephemeral/${this.key(name)}`;
  }

  async entry(name = 'key'): ReturnType<Outsider['kv']['get']> {
    return await this.outsider.kv.get(this.fullKey(name));
  }

  async sessionIds(): Promise<string[]> {
    const sessions = await this.outsider.session.list();
    return sessions.filter(({ Name }) => Name === this.sessionName).map(({ ID }) => ID);
  }

  /** A session of somebody else's, which does not count as left behind. */
  async foreignSession(options: object = {}): Promise<string> {
    const { ID: id } = await this.outsider.session.create({
      name: `foreign-${this.sessionName}`,
      ttl: '10s',
      behavior: 'delete',
      lockdelay: '0s',
      checks: [],
      ...options,
    });
    return id;
  }

  /** Somebody else's lock on the key. */
  async holdAsForeigner(name = 'key', options: object = {}): Promise<string> {
    const session = await this.foreignSession(options);
    const value = 'held by somebody else';
    const taken = await this.outsider.kv.set({ key: this.fullKey(name), value, acquire: session });
    if (taken !== true) throw new Error(`the foreign session did not get ${this.fullKey(name)}`);
    return session;
  }
}

/** What an acquisition, or anything else, rejects with. */
export async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it did not reject');
}

/** Resolves to the reason that the signal aborts with. */
export async function abortionOf(signal: AbortSignal): Promise<unknown> {
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  }
  return signal.reason;
}

export function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
