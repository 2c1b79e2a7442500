import type { Call, FakeWire } from './fake-wire.ts';
import { argumentError, type FakeResponse } from './client-errors.ts';
import {
  body,
  encode,
  normalize,
  parameters,
  textOf,
  type CallOptions,
  type CallResult,
  type Options,
} from './call-options.ts';
import type { FakeStore } from './fake-store.ts';
import { parseQueryOptions } from './query-options.ts';
import { SessionEndpoint } from './session-endpoint.ts';

/** `session` of the `consul` package: the same arguments, answers and errors. */
export interface FakeSessionCalls {
  /** Makes a session. */
  create(options?: CallOptions): CallResult;
  /** Starts the TTL of a session anew; rejects with a 404 when there is no such session. */
  renew(options: CallOptions | string): CallResult;
  /** Ends a session as its behavior says; one that there is not is ended, too. */
  destroy(options: CallOptions | string): CallResult;
  /** Reads a session; undefined when there is none. */
  info(options: CallOptions | string): CallResult;
  /** The same as `info`. */
  get(options: CallOptions | string): CallResult;
  /** The sessions of one Consul node. */
  node(options: CallOptions | string): CallResult;
  /** All sessions. */
  list(options?: CallOptions): CallResult;
}

export function sessionCalls(wire: FakeWire, store: FakeStore, leastTtlMs: number): FakeSessionCalls {
  const endpoint = new SessionEndpoint(store, leastTtlMs);
  const idOf = (name: string, options: Options): string => {
    if (!options['id']) throw argumentError(name, 'id required');
    return textOf(options['id']);
  };
  const info = async (given: CallOptions | string): Promise<unknown> => {
    const name = 'session.info';
    const options = normalize(given, 'id');
    const id = idOf(name, options);
    const serve: Call['serve'] = () => endpoint.info(id, parseQueryOptions(parameters(options)));
    return await wire.send({ name, operation: name, options, serve, shape: firstItem });
  };
  return {
    async create(given = {}) {
      const name = 'session.create';
      const options = normalize(given);
      // What is falsy is not sent; the client also encodes at once, so that later changes do not count.
      const sent = {
        Name: 'name',
        Node: 'node',
        LockDelay: 'lockdelay',
        Checks: 'checks',
        Behavior: 'behavior',
        TTL: 'ttl',
      };
      const fields = Object.entries(sent).filter(([, option]) => options[option]);
      const request = encode(
        name,
        Object.fromEntries(fields.map(([field, option]) => [field, options[option]])),
      );
      const serve: Call['serve'] = () => endpoint.create(JSON.parse(request) as object);
      return await wire.send({ name, operation: name, options, serve, shape: body });
    },
    async renew(given) {
      const name = 'session.renew';
      const options = normalize(given, 'id');
      const id = idOf(name, options);
      return await wire.send({
        name,
        operation: name,
        options,
        serve: () => endpoint.renew(id),
        shape: body,
      });
    },
    async destroy(given) {
      const name = 'session.destroy';
      const options = normalize(given, 'id');
      const id = idOf(name, options);
      return await wire.send({
        name,
        operation: name,
        options,
        serve: () => endpoint.destroy(id),
        shape: () => undefined,
      });
    },
    info,
    get: info,
    async node(given) {
      const name = 'session.node';
      const options = normalize(given, 'node');
      const { node } = options;
      if (!node) throw argumentError(name, 'node required');
      const serve: Call['serve'] = () => endpoint.list(parseQueryOptions(parameters(options)), textOf(node));
      return await wire.send({ name, operation: name, options, serve, shape: body });
    },
    async list(given = {}) {
      const name = 'session.list';
      const options = normalize(given);
      const serve: Call['serve'] = () => endpoint.list(parseQueryOptions(parameters(options)));
      return await wire.send({ name, operation: name, options, serve, shape: body });
    },
  };
}

function firstItem(response: FakeResponse): { value: unknown } | undefined {
  const rows = response.body as unknown[];
  return rows.length === 0 ? undefined : { value: rows[0] };
}
