import { UnexpectedAnswer } from './consul-failure.ts';

/** A row of a transaction's results, in Consul's own form. */
export interface KvResult {
  /** As in the answer of Consul's `/v1/txn`. */
  KV: {
    /** The full key. */
    Key: string;
    /** In base64; null where Consul does not repeat it. */
    Value: string | null;
    /** As they were written; those of a lock's key are this library's own. */
    Flags: number;
    /** The session that holds the key; missing when none does. */
    Session?: string;
    /** How often it was locked since it was last written without a lock. */
    LockIndex: number;
    /** The raft index of the write that made the key. */
    CreateIndex: number;
    /** The raft index of the write that last changed it; of a lock's own key, its fencing token. */
    ModifyIndex: number;
  };
}

export type TransactionOutcome =
  | { readonly committed: true; readonly results: readonly KvResult[] }
  | { readonly committed: false; readonly refusals: readonly Refusal[] };

/** Why one operation of a transaction was refused. */
export interface Refusal {
  readonly opIndex: number;
  readonly what: string;
}

/** A key as Consul has it. */
export interface KvEntry {
  readonly key: string;
  readonly value: Buffer | null;
  readonly flags: number;
  readonly session: string | undefined;
  /** 0 for a key that never was a lock, or was overwritten by a plain write. */
  readonly lockIndex: number;
  readonly createIndex: number;
  readonly modifyIndex: number;
}

export interface SessionInfo {
  readonly id: string;
  readonly name: string;
  readonly node: string;
  /** In milliseconds; 0 for a session that never ends by itself. */
  readonly ttlMs: number;
  /** Whether its TTL is written as this library writes it, which hardly anybody else does. */
  readonly isLikeOurs: boolean;
}

export function refused(body: unknown): TransactionOutcome {
  const errors = isRecord(body) ? body['Errors'] : undefined;
  if (!Array.isArray(errors) || errors.length === 0) throw new UnexpectedAnswer('it names no refusal', 409);
  const refusals = errors.map((error: unknown) => {
    if (!isRecord(error) || typeof error['OpIndex'] !== 'number' || typeof error['What'] !== 'string') {
      throw new UnexpectedAnswer('its refusals are malformed', 409);
    }
    return { opIndex: error['OpIndex'], what: error['What'] };
  });
  const denied = refusals.find(({ what }) => /Permission denied|ACL not found/.test(withoutNames(what)));
  if (denied) {
    throw Object.assign(new Error(denied.what), { isResponse: true, response: { statusCode: 403 } });
  }
  return { committed: false, refusals };
}

export function committed(body: unknown): TransactionOutcome {
  const results = isRecord(body) ? body['Results'] : undefined;
  if (results === null) return { committed: true, results: [] };
  if (!Array.isArray(results)) throw new UnexpectedAnswer('there are no results in it');
  for (const result of results as unknown[]) {
    const row = isRecord(result) ? result['KV'] : undefined;
    if (!isRecord(row) || typeof row['Key'] !== 'string' || !isIndex(row['ModifyIndex'])) {
      throw new UnexpectedAnswer('its results are malformed');
    }
  }
  return { committed: true, results: results as KvResult[] };
}

export function entryOf(body: unknown, key?: string): KvEntry {
  if (
    !isRecord(body) ||
    typeof body['Key'] !== 'string' ||
    (key !== undefined && body['Key'] !== key) ||
    !isIndex(body['ModifyIndex']) ||
    typeof body['LockIndex'] !== 'number'
  ) {
    throw new UnexpectedAnswer('it is no key as Consul has them');
  }
  const { Value: value, Session: session } = body;
  return {
    key: body['Key'],
    value: Buffer.isBuffer(value) ? value : typeof value === 'string' ? Buffer.from(value) : null,
    flags: Number(body['Flags'] ?? 0),
    session: typeof session === 'string' && session !== '' ? session : undefined,
    lockIndex: body['LockIndex'],
    createIndex: Number(body['CreateIndex']),
    modifyIndex: body['ModifyIndex'],
  };
}

export function sessionOf(body: unknown): SessionInfo {
  if (!isRecord(body) || typeof body['ID'] !== 'string') throw new UnexpectedAnswer('it is no session');
  return {
    id: body['ID'],
    name: typeof body['Name'] === 'string' ? body['Name'] : '',
    node: typeof body['Node'] === 'string' ? body['Node'] : '',
    ttlMs: typeof body['TTL'] === 'string' ? millisecondsOf(body['TTL']) : 0,
    isLikeOurs: typeof body['TTL'] === 'string' && /^\d+ms$/.test(body['TTL']),
  };
}

const UNITS: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1e3, m: 6e4, h: 3.6e6 };

/** Reads a duration of Go's: '10s', '1m30s', '500ms'. */
function millisecondsOf(duration: string): number {
  let sum = 0;
  for (const [, number, unit] of duration.matchAll(/([\d.]+)(ns|us|µs|ms|s|m|h)/g)) {
    sum += Number(number) * (UNITS[unit ?? ''] ?? 0);
  }
  return Math.floor(sum);
}

function isIndex(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

export function isEmpty(body: unknown): boolean {
  return body === undefined || body === null || body === '' || (Buffer.isBuffer(body) && body.length === 0);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A refusal without the names of keys in it: a name may say anything. */
export function withoutNames(what: string): string {
  return what.replace(/".*"/s, '"…"');
}

/** The client looks into each item of a list of keys, and a null among them would make it throw in an event. */
export function hasNoNull(body: Buffer): boolean {
  // Nearly always, and much cheaper than reading all of it.
  if (!body.includes('null')) return true;
  try {
    const list: unknown = JSON.parse(body.toString());
    return !Array.isArray(list) || !list.includes(null);
  } catch {
    // What cannot be parsed does not get that far.
    return true;
  }
}
