import { type Answer, type CallOptions, type RequestLimits, sendRequest } from './consul-request.ts';
import {
  committed,
  entryOf,
  hasNoNull,
  isEmpty,
  isRecord,
  type KvEntry,
  refused,
  type SessionInfo,
  sessionOf,
  type TransactionOutcome,
} from './consul-answer.ts';
import { sayable, translateFailure, UnexpectedAnswer } from './consul-failure.ts';
import { type ConsulClient, secretsOf } from './consul-client.ts';
import { merged } from './merged.ts';
import { type Lane, type Lanes, lanesOf } from './lanes.ts';
import { ConsulRequestError } from './errors.ts';
import type { StopSignal } from './stop.ts';

/** An operation of a KV transaction, in Consul's own form. */
export interface KvOperation {
  /** As in the body of Consul's `/v1/txn`. */
  KV: {
    /** `set`, `delete`, `cas`, `get`, `check-index`, … (source: Consul's documentation of transactions). */
    Verb: string;
    /** The full key. */
    Key: string;
    /** In base64. */
    Value?: string;
    /** An integer from 0 to 2^53 - 1, kept with the value. */
    Flags?: number;
    /** The `ModifyIndex` that `cas`, `delete-cas` and `check-index` demand. */
    Index?: number;
    /** For `lock`, `unlock` and `check-session`. */
    Session?: string;
  };
}

export interface NewSession {
  readonly ttlMs: number;
  readonly lockDelayMs: number;
  readonly name: string;
  readonly checks: readonly string[];
  readonly behavior: string;
}

/** In bytes: no answer about one key, session or transaction comes near it. */
const LARGEST_ANSWER = 8 * 1_024 * 1_024;
const LARGEST_LISTING = 256 * 1_024 * 1_024;

/** For one call: overrides of how its request is sent. */
export interface CallLimits {
  readonly signal?: StopSignal | undefined;
  /** Default: the gate's `requestTimeoutMs`. */
  readonly timeoutMs?: number;
  /** Default: true. */
  readonly keepProcessAlive?: boolean;
  /** Default: `holding`. */
  readonly lane?: Lane;
  /** Ends it only as long as it stands in line. Default: `signal`. */
  readonly untilSent?: StopSignal | undefined;
}

/**
 * How up to date a read must be. `consistent` is proven by a majority of the servers; `default` can be answered by a
 * leader that was deposed a moment ago; `stale` by any server (source: Consul's documentation of consistency modes).
 */
export type Consistency = 'consistent' | 'default' | 'stale';

/** What may come back: an answer to any of its calls, unless it is said otherwise. */
type Reading = Pick<Partial<RequestLimits>, 'mostBytes' | 'isBearable' | 'answerIn'>;

type Call = (options: object) => Promise<unknown>;

/** What really can be called; the shipped types of the `consul` package deny half of it. */
interface RawClient {
  session: { create: Call; renew: Call; destroy: Call; info: Call; list?: Call };
  kv: { get: Call };
  transaction: { create(operations: readonly KvOperation[], options: object): Promise<unknown> };
}

export interface GateSettings {
  readonly client: ConsulClient;
  readonly token: string | undefined;
  readonly dc: string | undefined;
  readonly requestTimeoutMs: number;
  /** The lock's keys, for errors. */
  readonly keys: readonly string[];
}

/** The only file that knows the calls of the `consul` package: its arguments, its answers and its errors. */
export class ConsulGate {
  readonly requestTimeoutMs: number;
  readonly #client: RawClient;
  readonly #owner: ConsulClient;
  readonly #lanes: Lanes;
  /** What goes with every call. */
  readonly #common: object;
  readonly #hasCommon: boolean;
  readonly #token: string | undefined;
  readonly #keys: readonly string[];

  constructor({ client, token, dc, requestTimeoutMs, keys }: GateSettings) {
    this.#keys = keys;
    this.requestTimeoutMs = requestTimeoutMs;
    this.#owner = client;
    this.#lanes = lanesOf.of(client);
    this.#client = client as unknown as RawClient;
    this.#common = { ...(token !== undefined && { token }), ...(dc !== undefined && { dc }) };
    this.#hasCommon = token !== undefined || dc !== undefined;
    this.#token = token;
  }

  /** Whether another request of this lane would have to stand in line. */
  isCrowded(lane: Lane): boolean {
    return this.#lanes[lane].isFull;
  }

  async createSession(session: NewSession, limits?: CallLimits): Promise<string> {
    const options = {
      ttl: `${session.ttlMs}ms`,
      // The client drops 0 and '', and Consul then takes 15 s.
      lockdelay: `${session.lockDelayMs}ms`,
      name: session.name,
      checks: session.checks,
      behavior: session.behavior,
    };
    return await this.#send(
      'session.create',
      (call) => this.#client.session.create({ ...options, ...call }),
      ({ body }) => {
        const id = isRecord(body) ? body['ID'] : undefined;
        if (typeof id !== 'string' || id === '') throw new UnexpectedAnswer('there is no session id in it');
        return id;
      },
      limits,
    );
  }

  /** Starts the TTL anew; false when there is no such session. Costs Consul no write. */
  async renewSession(id: string, limits?: CallLimits): Promise<boolean> {
    try {
      return await this.#send(
        'session.renew',
        (call) => this.#client.session.renew({ id, ...call }),
        ({ body }) => {
          if (!Array.isArray(body) || !body.some((session) => isRecord(session) && session['ID'] === id)) {
            throw new UnexpectedAnswer('the session is not in it');
          }
          return true;
        },
        limits,
      );
    } catch (error) {
      if (
        error instanceof ConsulRequestError &&
        error.statusCode === 404 &&
        /session id/i.test(error.message)
      ) {
        return false;
      }
      throw error;
    }
  }

  /** Ends a session and with it every lock that it holds; also of a session that is gone already. */
  async destroySession(id: string, limits?: CallLimits): Promise<void> {
    try {
      await this.#send(
        'session.destroy',
        (call) => this.#client.session.destroy({ id, ...call }),
        ({ response }) => {
          if (response && response.body !== true) {
            throw new UnexpectedAnswer('it is not true');
          }
        },
        limits,
      );
    } catch (error) {
      // Some versions say so with ACLs switched on, where others answer with true.
      if (error instanceof ConsulRequestError && error.message.includes('Unknown session')) return;
      throw error;
    }
  }

  async readSession(
    id: string,
    consistency: Consistency = 'consistent',
    limits?: CallLimits,
  ): Promise<SessionInfo | null> {
    return await this.#send(
      'session.info',
      (call) => this.#client.session.info({ id, ...MODES[consistency], ...call }),
      ({ body, response }) => {
        if (body === undefined || body === null) {
          if (response && 'body' in response && !Array.isArray(response.body)) {
            throw new UnexpectedAnswer('it is no list of sessions');
          }
          return null;
        }
        return sessionOf(body);
      },
      limits,
    );
  }

  async readKey(
    key: string,
    {
      consistency,
      afterIndex,
      waitMs = 0,
      ...limits
    }: CallLimits & { consistency: Consistency; afterIndex?: number; waitMs?: number },
  ): Promise<KvEntry | null> {
    const wait = afterIndex === undefined ? {} : { index: String(afterIndex), wait: `${waitMs}ms` };
    return await this.#send(
      'kv.get',
      (call) => this.#client.kv.get({ key, buffer: true, ...MODES[consistency], ...wait, ...call }),
      ({ status, body, response }) => {
        if (body === undefined || body === null) {
          // Consul says nothing else with its 404; a page is somebody else's.
          const missing = status === undefined || (status === 404 && isEmpty(response?.body));
          if (missing) return null;
          throw new UnexpectedAnswer('there is no key in it', status);
        }
        return entryOf(body, key);
      },
      limits,
      { isBearable: hasNoNull },
    );
  }

  /** Every key that begins with `prefix`. */
  async readTree(prefix: string, limits?: CallLimits): Promise<readonly KvEntry[]> {
    return await this.#send(
      'kv.get',
      (call) =>
        this.#client.kv.get({ key: prefix, recurse: true, buffer: true, ...MODES.consistent, ...call }),
      ({ status, body, response }) => {
        if (body === undefined || body === null) {
          if (status === undefined || (status === 404 && isEmpty(response?.body))) return [];
          throw new UnexpectedAnswer('there are no keys in it', status);
        }
        if (!Array.isArray(body)) throw new UnexpectedAnswer('it is no list of keys');
        return body.map((entry) => entryOf(entry));
      },
      limits,
      { mostBytes: LARGEST_LISTING, isBearable: hasNoNull },
    );
  }

  /** Every session of the datacenter, by its id. */
  async readSessions(limits?: CallLimits): Promise<ReadonlyMap<string, SessionInfo>> {
    return await this.#send(
      'session.list',
      (call) => this.#client.session.list!(Object.assign(call, MODES.consistent)),
      ({ body }) => {
        if (!Array.isArray(body)) throw new UnexpectedAnswer('it is no list of sessions');
        return new Map(body.map(sessionOf).map((session) => [session.id, session]));
      },
      limits,
      { mostBytes: LARGEST_LISTING },
    );
  }

  /** Commits every operation or none; a refusal is an answer, not an error, unless it is one of access. */
  transact(operations: readonly KvOperation[], limits: CallLimits = {}): Promise<TransactionOutcome> {
    // What writes is proven by its commit; what does not is a read, and a deposed leader would answer that too.
    const mode = operations.every(writesNothing) ? MODES.consistent : MODES.default;
    return this.#send(
      'transaction',
      (call) => this.#client.transaction.create(operations, Object.assign(call, mode)),
      outcomeOf,
      limits,
      ANSWERED_BY_CONFLICT,
    );
  }

  /** The error for an answer whose form is right and whose content is not. */
  unexpected(operation: string, message: string): ConsulRequestError {
    return translateFailure(new UnexpectedAnswer(message), {
      operation,
      secrets: this.#secrets(),
      keys: this.#keys,
    });
  }

  /** The error for operations of a user's transaction that were refused. */
  refused(reasons: readonly string[], { transient }: { transient: boolean }): ConsulRequestError {
    const said = sayable(reasons.join('; '), this.#secrets());
    return new ConsulRequestError(`transaction: Consul rejected the request: ${said}`, {
      code: 'CONSUL_REJECTED',
      operation: 'transaction',
      statusCode: 409,
      transient,
      keys: this.#keys,
    });
  }

  /** Asked for only when there is an error to be cleaned of them. */
  #secrets(): readonly string[] {
    return [this.#token, ...secretsOf(this.#owner)].filter(
      (secret): secret is string => typeof secret === 'string' && secret !== '',
    );
  }

  #send<T>(
    operation: string,
    send: (options: CallOptions) => Promise<unknown>,
    read: (answer: Answer) => T,
    {
      signal,
      untilSent = signal,
      timeoutMs = this.requestTimeoutMs,
      keepProcessAlive = true,
      lane = 'holding',
    }: CallLimits = {},
    { mostBytes = LARGEST_ANSWER, isBearable, answerIn }: Reading = {},
  ): Promise<T> {
    return sendRequest(
      operation,
      (options) => send(this.#hasCommon ? merged(this.#common, options) : options),
      read,
      {
        signal,
        untilSent,
        timeoutMs,
        traffic: this.#lanes[lane],
        behind: lane === 'opening',
        client: this.#owner,
        keepProcessAlive,
        mostBytes,
        isBearable,
        answerIn,
        secrets: () => this.#secrets(),
        keys: this.#keys,
      },
    );
  }
}

function outcomeOf({ status, body }: Answer): TransactionOutcome {
  return status === 409 ? refused(body) : committed(body);
}

/** A transaction that is refused is answered with a conflict, which the client takes for a failure. */
const ANSWERED_BY_CONFLICT: Reading = {
  answerIn(error: unknown): [unknown, unknown] | undefined {
    const response = (error as { response?: { statusCode?: unknown; body?: unknown } } | null | undefined)
      ?.response;
    return response?.statusCode === 409 ? [response, response.body] : undefined;
  },
};

const READING = ['check-session', 'check-index', 'check-not-exists', 'get', 'get-tree', 'get-or-empty'];

function writesNothing({ KV: { Verb: verb } }: KvOperation): boolean {
  return READING.includes(verb);
}

/** Both are always said: a user's client may carry `defaults: { stale: true }`. */
const MODES: Readonly<Record<Consistency, object>> = {
  consistent: { consistent: true, stale: false },
  default: { consistent: false, stale: false },
  stale: { consistent: false, stale: true },
};
