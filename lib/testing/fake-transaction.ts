import { toRow, type KvEntry, type KvRow, type KvTable } from './fake-kv.ts';
import { json, KNOWN_LEADER, Refusal, type Reply } from './fake-reply.ts';
import type { FakeStore } from './fake-store.ts';
import { refuseLarge } from './kv-endpoint.ts';
import { parseOperations, type Operation } from './transaction-request.ts';

/** The answer to a transaction. */
export interface TransactionResult {
  /** For `get`, `get-tree`, `set`, `cas`, `lock`, `unlock`, `check-session` and `check-index`; null after a failure. */
  Results: { KV: KvRow }[] | null;
  Errors: { OpIndex: number; What: string }[] | null;
}

const MOST_OPERATIONS = 64;
const LARGEST_BODY = 524_288;

/** What only readers get: the write path tells nothing of the leader. */
const READ_META = { Index: 0, LastContact: 0, KnownLeader: true, ConsistencyLevel: '' };

const WRITES = new Set(['set', 'cas', 'lock', 'unlock', 'delete', 'delete-cas', 'delete-tree']);

/** Throws with the words that Consul gives as the reason. */
type Verb = (kv: KvTable, index: number, operation: Operation, store: FakeStore) => KvRow[];

const VERBS: Readonly<Record<string, Verb>> = {
  get(kv, _index, { key }) {
    return [toRow(existing(kv, key, `key "${key}" doesn't exist`))];
  },
  'get-tree'(kv, _index, { key }) {
    return kv.list(key).map((entry) => toRow(entry));
  },
  set(kv, index, operation) {
    return confirmed(kv.set(index, operation));
  },
  cas(kv, index, operation) {
    const reason = `failed to set key "${operation.key}", index is stale`;
    return confirmed(kv.cas(index, operation, operation.index) ?? fail(reason));
  },
  lock(kv, index, operation, store) {
    const { key, session } = operation;
    if (session === '') fail('missing session');
    if (store.session(session) === undefined) fail(`invalid session "${session}"`);
    const reason = `failed to lock key "${key}", lock is already held`;
    return confirmed(kv.lock(index, operation, session) ?? fail(reason));
  },
  unlock(kv, index, operation) {
    const { key, session } = operation;
    if (session === '') fail('missing session');
    const reason = `failed to unlock key "${key}", lock isn't held, or is held by another session`;
    return confirmed(kv.unlock(index, operation, session) ?? fail(reason));
  },
  delete(kv, index, { key }) {
    kv.delete(index, key);
    return [];
  },
  'delete-cas'(kv, index, operation) {
    if (!kv.deleteCas(index, operation.key, operation.index)) {
      fail(`failed to delete key "${operation.key}", index is stale`);
    }
    return [];
  },
  'delete-tree'(kv, index, { key }) {
    kv.deleteTree(index, key);
    return [];
  },
  'check-session'(kv, _index, { key, session }) {
    const entry = existing(kv, key, `failed to check session, key "${key}" doesn't exist`);
    if (entry.session !== session) {
      fail(`failed session check for key "${key}", current session "${entry.session}" != "${session}"`);
    }
    return confirmed(entry);
  },
  'check-index'(kv, _index, { key, index }) {
    const entry = existing(kv, key, `failed to check index, key "${key}" doesn't exist`);
    if (entry.modifyIndex !== index) {
      fail(`failed index check for key "${key}", current modify index ${entry.modifyIndex} != ${index}`);
    }
    return confirmed(entry);
  },
  'check-not-exists'(kv, _index, { key }) {
    if (kv.get(key) !== undefined) fail(`key "${key}" exists`);
    return [];
  },
};

/** `PUT /v1/txn` */
export function runTransaction(store: FakeStore, body: string): Reply {
  refuseLarge(Buffer.byteLength(body), LARGEST_BODY, 'txn_max_req_len');
  const operations = parseOperations(JSON.parse(body));
  if (operations.length > MOST_OPERATIONS) {
    throw new Refusal(
      413,
      `Transaction contains too many operations (${operations.length} > ${MOST_OPERATIONS})`,
    );
  }
  const writes = operations.some(({ verb }) => WRITES.has(verb));
  const result = precheck(store, operations) ?? (writes ? write(store, operations) : read(store, operations));
  const reply = writes ? json(result) : json({ ...result, ...READ_META }, KNOWN_LEADER);
  return { ...reply, status: result.Errors === null ? 200 : 409 };
}

/** What is refused before the raft log: without an index, and without a look at the other operations. */
function precheck(store: FakeStore, operations: readonly Operation[]): TransactionResult | undefined {
  const errors = operations.flatMap(({ verb, key }, OpIndex) => {
    if (key === '' && verb !== 'delete-tree') return [{ OpIndex, What: 'Must provide key' }];
    if (verb !== 'lock' || !store.isLockDelayed(key)) return [];
    return [{ OpIndex, What: `failed to lock key "${key}" due to lock delay` }];
  });
  return errors.length === 0 ? undefined : { Results: null, Errors: errors };
}

function write(store: FakeStore, operations: readonly Operation[]): TransactionResult {
  return store.commitAtOnce((index, draft) => {
    const result = dispatch(store, draft, index, operations);
    return { keep: result.Errors === null, result };
  });
}

function read(store: FakeStore, operations: readonly Operation[]): TransactionResult {
  return dispatch(store, store.kv, store.raftIndex, operations);
}

/** Every operation is tried, also after one that failed, and sees what those before it did. */
function dispatch(
  store: FakeStore,
  kv: KvTable,
  index: number,
  operations: readonly Operation[],
): TransactionResult {
  const results: { KV: KvRow }[] = [];
  const errors: { OpIndex: number; What: string }[] = [];
  for (const [OpIndex, operation] of operations.entries()) {
    try {
      const verb = Object.hasOwn(VERBS, operation.verb) ? VERBS[operation.verb] : undefined;
      const rows = verb?.(kv, index, operation, store) ?? fail(`unknown KV verb "${operation.verb}"`);
      results.push(...rows.map((KV) => ({ KV })));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      errors.push({ OpIndex, What: error.message });
    }
  }
  return errors.length === 0 ? { Results: results, Errors: null } : { Results: null, Errors: errors };
}

function existing(kv: KvTable, key: string, otherwise: string): KvEntry {
  return kv.get(key) ?? fail(otherwise);
}

function confirmed(entry: KvEntry): KvRow[] {
  return [toRow(entry, { withValue: false })];
}

function fail(reason: string): never {
  throw new Refusal(409, reason);
}
