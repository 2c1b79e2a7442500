import type { Call, FakeWire } from './fake-wire.ts';
import { argumentError, codecError, type FakeResponse } from './client-errors.ts';
import {
  body,
  normalize,
  parameters,
  textOf,
  type CallOptions,
  type CallResult,
  type Options,
} from './call-options.ts';
import type { FakeStore } from './fake-store.ts';
import { KvEndpoint } from './kv-endpoint.ts';

/** `kv` of the `consul` package: the same arguments, answers and errors. */
export interface FakeKvCalls {
  /** Reads a key, or with `recurse` all that begin with it; with `index`, a blocking query. */
  get(options?: CallOptions | string): CallResult;
  /** The names of the keys that begin with this one, with `separator` up to there. */
  keys(options?: CallOptions | string): CallResult;
  /** Writes a key: plainly, with `cas`, or with `acquire` or `release` by a session. */
  set(options: CallOptions): CallResult;
  /** The same. */
  set(key: string, value: unknown, options?: CallOptions): CallResult;
  /** Deletes a key, with `cas` only as it was seen, or with `recurse` all that begin with it. */
  del(options?: CallOptions | string): CallResult;
  /** The same as `del`. */
  delete(options?: CallOptions | string): CallResult;
}

export function kvCalls(wire: FakeWire, store: FakeStore): FakeKvCalls {
  const endpoint = new KvEndpoint(store);
  const del = async (given: CallOptions | string = {}): Promise<unknown> => {
    const name = 'kv.del';
    const options = normalize(given, 'key');
    const key = keyOf(name, options);
    const query = parameters(options, { flags: ['recurse'], values: ['cas'] });
    return await wire.send({
      name,
      operation: name,
      options,
      serve: () => endpoint.delete(key, query),
      shape: body,
    });
  };
  return {
    async get(given = {}) {
      const name = 'kv.get';
      const options = normalize(given, 'key');
      const key = keyOf(name, options);
      const query = parameters(options, { flags: ['recurse', 'raw'] });
      const serve: Call['serve'] = () => endpoint.get(key, query);
      const shape: Call['shape'] = (response) => entriesOf(response, options);
      return await wire.send({ name, namesErrors: true, operation: name, options, serve, shape });
    },
    async keys(given = {}) {
      const name = 'kv.keys';
      const options = normalize(given, 'key');
      const key = keyOf(name, options);
      const query = {
        ...parameters(options),
        ...(options['separator'] ? { separator: textOf(options['separator']) } : {}),
      };
      return await wire.send({
        name,
        operation: name,
        options,
        serve: () => endpoint.keys(key, query),
        shape: body,
      });
    },
    async set(...given: [key: CallOptions | string, value?: unknown, options?: CallOptions]) {
      const name = 'kv.set';
      const [first, value, others] = given;
      const options = normalize(given.length === 1 ? first : { ...others, key: first, value });
      if (!options['key']) throw argumentError(name, 'key required');
      if (!Object.hasOwn(options, 'value')) throw argumentError(name, 'value required');
      const key = keyOf(name, options);
      const bytes = toBytes(name, options['value'] || '');
      const query = parameters(options, { values: ['cas', 'flags', 'acquire', 'release'] });
      return await wire.send({
        name,
        operation: name,
        options,
        serve: () => endpoint.set(key, bytes, query),
        shape: body,
      });
    },
    del,
    delete: del,
  };
}

/** The client's error for a key that is no well-formed text comes from here, too. */
function keyOf(name: string, { key }: Options): string {
  try {
    return decodeURIComponent(encodeURIComponent(textOf(key || '')));
  } catch (error) {
    (error as Error).message = `consul: ${name}: ${(error as Error).message}`;
    throw error;
  }
}

function toBytes(name: string, value: unknown): Buffer {
  try {
    return Buffer.from(value as string);
  } catch (error) {
    throw codecError(name, 'text/plain', error);
  }
}

function entriesOf(response: FakeResponse, options: Options): { value: unknown } {
  if (options['raw']) return { value: response.body };
  const rows = response.body as { Value: string | Buffer | null }[];
  for (const row of rows) {
    if (typeof row.Value !== 'string') continue;
    const bytes = Buffer.from(row.Value, 'base64');
    row.Value = options['buffer'] ? bytes : bytes.toString();
  }
  return { value: options['recurse'] ? rows : rows[0] };
}
