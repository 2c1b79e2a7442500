/**
 * What is used of a Consul client: an instance of the `consul` package, or anything of the same shape.
 *
 * The parameters are left open because the types that the `consul` package ships do not tell what its calls take.
 */
export interface ConsulClient {
  /** Sessions: what holds a lock, and ends with its TTL. */
  session: {
    /** `PUT /v1/session/create`. */
    create(...args: never[]): Promise<unknown>;
    /** `PUT /v1/session/renew/:id`. */
    renew(...args: never[]): Promise<unknown>;
    /** `PUT /v1/session/destroy/:id`. */
    destroy(...args: never[]): Promise<unknown>;
    /** `GET /v1/session/info/:id`. */
    info(...args: never[]): Promise<unknown>;
    /** `GET /v1/session/list`: needed by `listLocks` alone. */
    list?(...args: never[]): Promise<unknown>;
  };
  /** Keys, which are read one at a time or, by `listLocks` and `forceRelease`, with all that begin alike. */
  kv: {
    /** `GET /v1/kv/:key`, also as a blocking query. */
    get(...args: never[]): Promise<unknown>;
  };
  /** Every write of a key is a transaction. */
  transaction: {
    /** `PUT /v1/txn`. */
    create(...args: never[]): Promise<unknown>;
  };
}

const CALLS = {
  session: ['create', 'renew', 'destroy', 'info'],
  kv: ['get'],
  transaction: ['create'],
} as const;

/** Throws a `TypeError` unless the client has the calls that are needed. */
export function assertCallable(name: string, client: unknown): asserts client is ConsulClient {
  if ((typeof client !== 'object' && typeof client !== 'function') || client === null) {
    throw new TypeError(
      `${name}: must be a Consul client; got ${client === null ? 'null' : `a ${typeof client}`}`,
    );
  }
  for (const [group, methods] of Object.entries(CALLS)) {
    for (const method of methods) assertHas(name, client, group, method);
  }
}

/** Throws a `TypeError` unless the client has the call that only `listLocks` needs. */
export function assertListsSessions(name: string, client: ConsulClient): void {
  assertHas(name, client, 'session', 'list');
}

function assertHas(name: string, client: object, group: string, method: string): void {
  const calls = (client as Record<string, Record<string, unknown> | undefined | null>)[group];
  if (typeof calls?.[method] === 'function') return;
  throw new TypeError(
    `${name}: must have the call ${group}.${method}, as the consul package has; ` +
      `got ${client.constructor?.name ?? 'an object'} without it`,
  );
}

/** Where a client of the `consul` package has its connections. */
export function agentOf(client: ConsulClient): unknown {
  return (client as { _opts?: { agent?: unknown } })._opts?.agent;
}

/** What a client of the `consul` package sends of its own accord, and what must not be shown when a server echoes it. */
export function secretsOf(client: ConsulClient): unknown[] {
  const { _defaults: defaults, _opts: options } = client as {
    _defaults?: { token?: unknown };
    _opts?: { headers?: Record<string, unknown>; baseUrl?: { auth?: unknown } };
  };
  const headers = Object.entries(options?.headers ?? {});
  const auth = options?.baseUrl?.auth;
  return [
    defaults?.token,
    ...headers
      .filter(([name]) => /^(x-consul-token|authorization)$/i.test(name))
      .flatMap(([, value]) => [value, String(value).replace(/^\w+ /, '')]),
    ...(typeof auth === 'string'
      ? [auth, auth.slice(auth.indexOf(':') + 1), Buffer.from(auth).toString('base64')]
      : []),
  ];
}

/** Where a client of ours has its address from. */
const origins = new WeakMap<ConsulClient, string>();

export function rememberOrigin(client: ConsulClient, origin: string): void {
  origins.set(client, origin);
}

/** Which address a client asks, where that came from and what can be done; undefined for one that has none. */
export function whereaboutsOf(client: ConsulClient): string | undefined {
  const options = (
    client as { _opts?: { baseUrl?: Partial<Record<keyof URL, string>>; socketPath?: unknown } }
  )._opts;
  const { protocol, hostname, port } = options?.baseUrl ?? {};
  // Put together from these parts, for others hold a password.
  const url = hostname && `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`;
  const socket = options?.socketPath;
  const address = typeof socket === 'string' ? `unix://${socket}` : url;
  return address && `tried ${address}, ${origins.get(client) ?? GIVEN}`;
}

const GIVEN = 'the address of the consulClient that was given: is an agent listening there?';
