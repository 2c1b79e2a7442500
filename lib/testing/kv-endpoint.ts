import { toRow, type KvEntry } from './fake-kv.ts';
import { indexHeaders, json, Refusal, type Query, type Reply } from './fake-reply.ts';
import type { FakeStore } from './fake-store.ts';
import { parseQueryOptions, parseUint } from './query-options.ts';

type Parameters = Readonly<Record<string, string>>;

const LARGEST_VALUE = 524_288;

/** `/v1/kv/*`. */
export class KvEndpoint {
  private readonly store: FakeStore;

  constructor(store: FakeStore) {
    this.store = store;
  }

  get(key: string, parameters: Parameters): Query {
    checkPath(key);
    const options = parseQueryOptions(parameters);
    if (key === '' && parameters['recurse'] === undefined) throw new Refusal(400, 'Missing key name');
    const isRaw = parameters['raw'] !== undefined;
    if (parameters['recurse'] !== undefined) {
      return this.list(options, key, (entries) => {
        const rows = entries.map((entry) => toRow(entry));
        return isRaw ? { ...json(Buffer.from(JSON.stringify(rows, null, 4))) } : json(rows);
      });
    }
    // Of a missing key, Consul watches the place in its tree where it would be, so that a change to a neighbour is news.
    const neighbourhood = this.store.kv.neighbourhood(key);
    return {
      ...options,
      read: () => {
        const { kv } = this.store;
        const entry = kv.get(key);
        const index = entry?.modifyIndex ?? kv.index;
        const reply = entry === undefined ? missing : isRaw ? raw(entry) : json([toRow(entry)]);
        const mark = entry?.modifyIndex ?? kv.lastChange(neighbourhood);
        return { reply: withIndex(reply, index), index, mark };
      },
    };
  }

  keys(prefix: string, parameters: Parameters): Query {
    checkPath(prefix);
    return this.list(parseQueryOptions(parameters), prefix, (entries) => {
      const separator = parameters['separator'] ?? '';
      const keys = entries.map(({ key }) => {
        const end = separator === '' ? -1 : key.indexOf(separator, prefix.length);
        return end < 0 ? key : key.slice(0, end + separator.length);
      });
      return json([...new Set(keys)]);
    });
  }

  set(key: string, value: Buffer, parameters: Parameters): Reply {
    checkPath(key);
    refuseTogether(parameters, ['cas', 'acquire', 'release']);
    const { flags, cas, acquire, release } = parameters;
    const write = { key, value, flags: flags === undefined ? 0 : parseUint(flags) };
    const known = cas === undefined ? undefined : parseUint(cas);
    refuseLarge(value.length, LARGEST_VALUE, 'kv_max_value_size');
    if (acquire !== undefined && this.store.isLockDelayed(key)) return json(false);
    const { kv } = this.store;
    return this.store.commit((index) => {
      if (known !== undefined) return json(kv.cas(index, write, known) !== undefined);
      if (acquire !== undefined) {
        this.assertSession(acquire);
        return json(kv.lock(index, write, acquire) !== undefined);
      }
      if (release === '') throw new Refusal(500, 'missing session');
      if (release !== undefined) return json(kv.unlock(index, write, release) !== undefined);
      kv.set(index, write);
      return json(true);
    });
  }

  delete(key: string, parameters: Parameters): Reply {
    checkPath(key);
    refuseTogether(parameters, ['recurse', 'cas']);
    const { cas, recurse } = parameters;
    if (key === '' && recurse === undefined) throw new Refusal(400, 'Missing key name');
    const known = cas === undefined ? undefined : parseUint(cas);
    const { kv } = this.store;
    return this.store.commit((index) => {
      if (known !== undefined) return json(kv.deleteCas(index, key, known));
      if (recurse === undefined) kv.delete(index, key);
      else kv.deleteTree(index, key);
      return json(true);
    });
  }

  private assertSession(id: string): void {
    if (id === '') throw new Refusal(500, 'missing session');
    if (this.store.session(id) === undefined) throw new Refusal(500, `invalid session "${id}"`);
  }

  private list(
    options: { knownIndex: number; waitMs: number },
    prefix: string,
    reply: (entries: KvEntry[]) => Reply,
  ): Query {
    return {
      ...options,
      read: () => {
        const entries = this.store.kv.list(prefix);
        const index = this.store.kv.listIndex(prefix);
        return {
          reply: withIndex(entries.length === 0 ? missing : reply(entries), index),
          index,
          mark: index,
        };
      },
    };
  }
}

export function refuseLarge(size: number, limit: number, setting: string): void {
  if (size <= limit) return;
  const hint = `See https://www.consul.io/docs/agent/options.html#${setting}.`;
  throw new Refusal(413, `Request body(${size} bytes) too large, max size: ${limit} bytes. ${hint}`);
}

const missing: Reply = { status: 404 };

function raw({ value }: KvEntry): Reply {
  return { status: 200, contentType: 'text/plain', ...(value.length > 0 && { body: value }) };
}

function withIndex(reply: Reply, index: number): Reply {
  return { ...reply, headers: indexHeaders(index) };
}

/** Such paths never reach the key: the server redirects to another one, or refuses the URL. */
function checkPath(key: string): void {
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(key)) throw new Refusal(400);
  if (/(?:^|\/)\.{1,2}(?:\/|$)|\/\/|^\//.test(key)) throw new Refusal(301);
}

function refuseTogether(parameters: Parameters, exclusive: readonly string[]): void {
  if (exclusive.filter((name) => parameters[name] !== undefined).length < 2) return;
  const sent = new URLSearchParams(parameters);
  sent.sort();
  throw new Refusal(400, `Conflicting flags: ${sent.toString()}`);
}
