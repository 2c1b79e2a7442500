import type { ConsulClient } from '../../../lib/consul-client.ts';
import type { FakeConsul } from '../../../lib/testing/index.ts';
import { type Call, type CallOptions, Exchange, type Operation } from './exchange.ts';
import type { Fate, Target } from './fate.ts';
import type { Modules } from './modules.ts';
import type { ProcessClock } from './process-clock.ts';
import type { ServerView } from './server-view.ts';

const TARGETS: Readonly<Record<Operation, Exclude<Target, 'any'>>> = {
  'session.create': 'create',
  'session.renew': 'renew',
  'session.destroy': 'destroy',
  'session.info': 'read',
  'session.list': 'read',
  'kv.get': 'read',
  transaction: 'write',
};

export interface LineTerms {
  readonly name: string;
  readonly fake: FakeConsul;
  readonly server: ServerView;
  readonly clock: ProcessClock;
  readonly agent: Modules['agent'];
  /** How long a way takes, of a request or an answer. */
  readonly latencyMs: () => number;
  readonly note: (...what: readonly unknown[]) => void;
}

/** The client of one process, and all that can befall its requests. */
export class Line implements ConsulClient {
  /** Where a client of the `consul` package has its agent. */
  readonly _opts: { readonly agent: object };
  readonly session: ConsulClient['session'] & { list(options: object): Promise<unknown> };
  readonly kv: ConsulClient['kv'];
  readonly transaction: ConsulClient['transaction'];
  /** By session: when the last request was sent that started its TTL, as far as the process has been told. */
  readonly startedAt: Map<string, number> = new Map();
  /** Anybody was told what was no longer true. */
  hasLied = false;
  /** When the last of all requests arrives. */
  lastArrival = 0;
  readonly #terms: LineTerms;
  #fates: { readonly target: Target; readonly fate: Fate }[] = [];

  constructor(terms: LineTerms) {
    this.#terms = terms;
    this._opts = { agent: terms.agent };
    const { session, kv, transaction } = terms.fake;
    const call =
      (operation: Operation, pass: Call['pass']) =>
      async (options: CallOptions): Promise<unknown> =>
        await this.#send({ operation, options, pass });
    this.session = {
      create: call('session.create', async (options) => await session.create(options)),
      renew: call('session.renew', async (options) => await session.renew(options)),
      destroy: call('session.destroy', async (options) => await session.destroy(options)),
      info: call('session.info', async (options) => await session.info(options)),
      list: call('session.list', async (options) => await session.list(options)),
    };
    this.kv = { get: call('kv.get', async (options) => await kv.get(options)) };
    this.transaction = {
      create: async (operations: readonly object[], options: CallOptions) =>
        await this.#send({
          operation: 'transaction',
          options,
          pass: async (passed) => await transaction.create(operations, passed),
        }),
    };
  }

  /** The next `times` such requests meet this fate. */
  doom(target: Target, fate: Fate, times: number): void {
    for (let time = 0; time < times; time++) this.#fates.push({ target, fate });
  }

  heal(): void {
    this.#fates = [];
  }

  #send(call: Call): Promise<unknown> {
    const { server, clock, latencyMs, note, name, agent } = this.#terms;
    agent.addRequest();
    const fate = this.#fateOf(call.operation);
    const sentAt = this.#terms.fake.now();
    note(name, 'sends', call.operation, call.options.id ?? call.options.key ?? '', fate ?? '');
    const exchange = new Exchange(call, {
      fate,
      server,
      clock,
      latencyMs,
      onDone: (answer) => {
        const id = idIn(call, answer);
        if (call.operation === 'session.create' && id !== undefined) {
          server.sessions.set(id, { by: name, isKnown: false });
        }
      },
      onAnswer: (answer) => this.#told(idIn(call, answer), sentAt),
    });
    this.lastArrival = Math.max(this.lastArrival, sentAt + exchange.upMs);
    const answer = exchange.run();
    this.hasLied ||= exchange.isLie;
    return answer;
  }

  #fateOf(operation: Operation): Fate | undefined {
    const index = this.#fates.findIndex(({ target }) => target === 'any' || target === TARGETS[operation]);
    return index < 0 ? undefined : this.#fates.splice(index, 1)[0]!.fate;
  }

  /** The process knows of this session, and that its TTL was started after `sentAt`. */
  #told(id: string | undefined, sentAt: number): void {
    if (id === undefined) return;
    const session = this.#terms.server.sessions.get(id);
    if (session) session.isKnown = true;
    this.startedAt.set(id, Math.max(this.startedAt.get(id) ?? 0, sentAt));
  }
}

/** Of the session whose TTL this answer tells the start of. */
function idIn({ operation, options }: Call, answer: unknown): string | undefined {
  if (operation === 'session.renew') return options.id;
  if (operation !== 'session.create') return undefined;
  const [, body] = answer as [unknown, { ID?: string } | undefined];
  return body?.ID;
}
