import { CLOCK } from '../../lib/clock.ts';
import type { ConsulClient } from '../../lib/consul-client.ts';
import type { KvOperation } from '../../lib/consul-gate.ts';
import type { FakeConsul } from '../../lib/testing/index.ts';

export type Operation =
  | 'session.create'
  | 'session.renew'
  | 'session.destroy'
  | 'session.info'
  | 'session.list'
  | 'kv.get'
  | 'transaction';

export interface SentRequest {
  readonly operation: Operation;
  /** What the call was given; for a transaction, what stands beside its operations. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Of a transaction. */
  readonly operations: readonly KvOperation[];
  /** How many of this operation have been sent, this one included. */
  readonly count: number;
}

/** What becomes of a request; `send` passes it on. */
export type Hook = (send: () => Promise<unknown>, request: SentRequest) => Promise<unknown>;

type Call = (...args: unknown[]) => Promise<unknown>;

/** A client in front of a `FakeConsul` that counts, delays, hangs or loses what a spec tells it to. */
export class HookedClient implements ConsulClient {
  readonly session: ConsulClient['session'] & { list: Call };
  readonly kv: ConsulClient['kv'];
  readonly transaction: ConsulClient['transaction'];
  readonly sent: SentRequest[] = [];
  readonly #hooks = new Map<Operation, Hook>();
  readonly #watchers = new Set<(request: SentRequest) => void>();

  constructor(fake: FakeConsul) {
    Object.defineProperty(this, CLOCK, { value: (fake as unknown as { [CLOCK]: unknown })[CLOCK] });
    const { session, kv, transaction } = fake;
    this.session = {
      create: this.#call('session.create', async (...args) => await session.create(...(args as [object]))),
      renew: this.#call('session.renew', async (...args) => await session.renew(...(args as [object]))),
      destroy: this.#call('session.destroy', async (...args) => await session.destroy(...(args as [object]))),
      info: this.#call('session.info', async (...args) => await session.info(...(args as [object]))),
      list: this.#call('session.list', async (...args) => await session.list(...(args as [object]))),
    };
    this.kv = { get: this.#call('kv.get', async (...args) => await kv.get(...(args as [object]))) };
    this.transaction = {
      create: this.#call(
        'transaction',
        async (...args) => await transaction.create(...(args as [never, object])),
      ),
    };
  }

  /** From now on; of several for one operation the last counts. */
  on(operations: Operation | readonly Operation[], hook: Hook): void {
    for (const operation of [operations].flat()) this.#hooks.set(operation, hook);
  }

  /** Requests go through again. */
  heal(): void {
    this.#hooks.clear();
  }

  count(operation: Operation): number {
    return this.sent.filter((request) => request.operation === operation).length;
  }

  /** Resolves when the next such request is being sent. */
  async next(
    operations: Operation | readonly Operation[],
    isMeant: (request: SentRequest) => boolean = () => true,
  ): Promise<void> {
    await new Promise<void>((resolve) => {
      const watcher = (request: SentRequest): void => {
        if (!operations.includes(request.operation) || !isMeant(request)) return;
        this.#watchers.delete(watcher);
        resolve();
      };
      this.#watchers.add(watcher);
    });
  }

  #call(operation: Operation, pass: Call): Call {
    return async (...args) => {
      const request: SentRequest = {
        operation,
        options: (operation === 'transaction' ? args[1] : args[0]) as Record<string, unknown>,
        operations: operation === 'transaction' ? (args[0] as KvOperation[]) : [],
        count: this.count(operation) + 1,
      };
      this.sent.push(request);
      for (const watcher of this.#watchers) watcher(request);
      const send = async (): Promise<unknown> => await pass(...args);
      return await (this.#hooks.get(operation)?.(send, request) ?? send());
    };
  }
}

export const EVERY_OPERATION: readonly Operation[] = [
  'session.create',
  'session.renew',
  'session.destroy',
  'session.info',
  'session.list',
  'kv.get',
  'transaction',
];

/** Never arrives, and is never answered. */
export const hang: Hook = async () => await new Promise<never>(() => {});

/** Is carried out, and never answered. */
export const swallow: Hook = async (send) => {
  await send().catch(() => {});
  return await new Promise<never>(() => {});
};

/** Is carried out, and its answer is cut off, also when it says no. */
export const cutAnswer: Hook = async (send) => {
  await send().catch(() => {});
  throw connectionReset();
};

/** Was certainly not carried out. */
export const refuse: Hook = async () => {
  throw connectionRefused();
};

/** Consul is reached and says no, for good. */
export const deny: Hook = async () => {
  throw denied();
};

/** The answer of a transaction that was refused. */
export function refusing(...Errors: readonly { OpIndex: number; What: string }[]): () => Promise<never> {
  return async () => {
    throw Object.assign(new Error('conflict'), {
      isResponse: true,
      statusCode: 409,
      response: { statusCode: 409, body: { Errors } },
    });
  };
}

/** A hook for the first request alone; the later ones go through. */
export function once(hook: Hook): Hook {
  let isFirst = true;
  return async (send, request) => {
    if (!isFirst) return await send();
    isFirst = false;
    return await hook(send, request);
  };
}

export function connectionReset(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
}

export function connectionRefused(): Error {
  return Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
}

export function denied(): Error {
  return Object.assign(new Error('forbidden'), {
    isResponse: true,
    statusCode: 403,
    response: { statusCode: 403, body: 'Permission denied' },
  });
}
