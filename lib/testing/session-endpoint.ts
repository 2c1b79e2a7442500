import { indexHeaders, json, Refusal, type Query, type Reply } from './fake-reply.ts';
import { NODE, NODE_CHECK, type FakeStore, type SessionRow } from './fake-store.ts';
import { parseGoDuration, toMs } from './go-duration.ts';
import type { QueryOptions } from './query-options.ts';

const DEFAULT_LOCK_DELAY_NS = 15_000_000_000;

/** Below this many nanoseconds Consul takes a lock delay for seconds. */
const LEAST_LOCK_DELAY_NS = 1_000;

const LONGEST_TTL_MS = 86_400_000;

/** The body of `PUT /v1/session/create`, with the fields that the client sends. */
export interface SessionRequest {
  readonly Name?: unknown;
  readonly Node?: unknown;
  readonly LockDelay?: unknown;
  readonly Checks?: unknown;
  readonly Behavior?: unknown;
  readonly TTL?: unknown;
}

/** `/v1/session/*`. */
export class SessionEndpoint {
  private readonly store: FakeStore;
  private readonly leastTtlMs: number;

  constructor(store: FakeStore, leastTtlMs: number) {
    this.store = store;
    this.leastTtlMs = leastTtlMs;
  }

  create(request: SessionRequest): Reply {
    const name = text(request.Name, 'Name', 'string');
    const node = text(request.Node, 'Node', 'string') ?? NODE;
    const ttl = text(request.TTL, 'TTL', 'string') ?? '';
    const behavior = text(request.Behavior, 'Behavior', 'structs.SessionBehavior') ?? 'release';
    const checks = checkIds(request.Checks) ?? [NODE_CHECK];
    const lockDelayNs = lockDelay(request.LockDelay);
    if (behavior !== 'release' && behavior !== 'delete') {
      throw new Refusal(500, `Invalid Behavior setting '${behavior}'`);
    }
    const ttlMs = ttl === '' ? 0 : this.ttlInMs(ttl);
    const session = { name: name ?? '', node, ttl, ttlMs, behavior, checks, lockDelayNs } as const;
    return json({ ID: this.store.createSession(session) });
  }

  renew(id: string): Reply {
    const row = this.store.renewSession(id);
    if (row === undefined) throw new Refusal(404, `Session id '${id}' not found`);
    return json([row]);
  }

  destroy(id: string): Reply {
    this.store.invalidateSession(id);
    return json(true);
  }

  info(id: string, options: QueryOptions): Query {
    return this.query(options, () => {
      const row = this.store.session(id);
      return { rows: row === undefined ? [] : [row], index: row?.ModifyIndex ?? this.store.sessionsIndex };
    });
  }

  list(options: QueryOptions, node: string = NODE): Query {
    return this.query(options, () => ({
      rows: node === NODE ? this.store.listSessions() : [],
      index: this.store.sessionsIndex,
    }));
  }

  private query(options: QueryOptions, find: () => { rows: SessionRow[]; index: number }): Query {
    return {
      ...options,
      read: () => {
        const { rows, index } = find();
        return { reply: json(rows, indexHeaders(index)), index, mark: index };
      },
    };
  }

  private ttlInMs(ttl: string): number {
    let nanoseconds: bigint;
    try {
      nanoseconds = parseGoDuration(ttl);
    } catch (error) {
      throw new Refusal(500, `Session TTL '${ttl}' invalid: ${(error as Error).message}`);
    }
    const ms = toMs(nanoseconds);
    if (ms !== 0 && (ms < this.leastTtlMs || ms > LONGEST_TTL_MS)) {
      const least = this.leastTtlMs < 1_000 ? `${this.leastTtlMs}ms` : `${this.leastTtlMs / 1_000}s`;
      throw new Refusal(500, `Invalid Session TTL '${nanoseconds}', must be between [${least}=24h0m0s]`);
    }
    return ms;
  }
}

function lockDelay(value: unknown): number {
  if (value === undefined || value === null) return DEFAULT_LOCK_DELAY_NS;
  if (typeof value !== 'string' && typeof value !== 'number') throw undecodable(value, 'LockDelay', 'string');
  let nanoseconds: number;
  try {
    nanoseconds = typeof value === 'number' ? Math.trunc(value) : Number(parseGoDuration(value));
  } catch (error) {
    throw new Refusal(400, `Request decode failed: ${(error as Error).message}`);
  }
  return nanoseconds < LEAST_LOCK_DELAY_NS ? nanoseconds * 1e9 : nanoseconds;
}

function checkIds(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw undecodable(value, 'Checks', '[]types.CheckID');
  return value.map((check) => text(check, 'Checks', 'types.CheckID') ?? '');
}

function text(value: unknown, field: string, type: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw undecodable(value, field, type);
  return value;
}

function undecodable(value: unknown, field: string, type: string): Refusal {
  const kind = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
  return new Refusal(
    400,
    `Request decode failed: json: cannot unmarshal ${kind} into Go struct field .${field} of type ${type}`,
  );
}
