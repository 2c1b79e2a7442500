import { EventEmitter } from 'node:events';
import { toRow } from '../../../lib/testing/fake-kv.ts';
import { type Fate, refused, reset, serverError } from './fate.ts';
import type { ProcessClock } from './process-clock.ts';
import type { ServerView } from './server-view.ts';

export type Operation =
  | 'session.create'
  | 'session.renew'
  | 'session.destroy'
  | 'session.info'
  | 'session.list'
  | 'kv.get'
  | 'transaction';

/** What is read of the options that the client is called with. */
export interface CallOptions {
  readonly ctx?: EventEmitter;
  readonly id?: string;
  readonly key?: string;
  readonly index?: string;
  readonly consistent?: boolean;
  readonly recurse?: boolean;
}

export interface Call {
  readonly operation: Operation;
  readonly options: CallOptions;
  /** Brings it to the server, and its answer back, at once. */
  readonly pass: (options: object) => Promise<unknown>;
}

export interface ExchangeTerms {
  /** Undefined: nothing befalls it. */
  readonly fate: Fate | undefined;
  readonly server: ServerView;
  /** Of the process that sends it. */
  readonly clock: ProcessClock;
  /** How long a way takes. */
  readonly latencyMs: () => number;
  /** The server has carried it out. */
  readonly onDone: (answer: unknown) => void;
  /** Its answer has arrived, and somebody still waits for it. */
  readonly onAnswer: (answer: unknown) => void;
}

/** A call of the `consul` package answers with the response too when it is asked to. */
class Context extends EventEmitter {
  readonly includeResponse = true;
}

const OK = { statusCode: 200 };

/** One request and its answer, on their ways. */
export class Exchange {
  readonly upMs: number;
  /** The sender was told what was no longer true. */
  isLie = false;
  readonly #call: Call;
  readonly #terms: ExchangeTerms;
  readonly #context = new Context();
  readonly #isReading: boolean;
  #hasGivenUp = false;
  #resolve: (answer: unknown) => void = () => {};
  #reject: (reason: Error) => void = () => {};

  constructor(call: Call, terms: ExchangeTerms) {
    this.#call = call;
    this.#terms = terms;
    this.#isReading = call.operation.endsWith('.get') || /info|list/.test(call.operation);
    this.upMs = terms.fate?.kind === 'late' ? terms.fate.upMs : terms.latencyMs();
  }

  run(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#call.options.ctx?.once('cancel', () => this.#giveUp());
      this.#begin();
    });
  }

  #begin(): void {
    const { fate } = this.#terms;
    switch (fate?.kind) {
      case undefined:
      case 'late':
        this.#onTheWay(() => this.#arrive());
        return;
      case 'refused':
        this.#onTheWay(() => this.#fail(refused()));
        return;
      case 'no-leader':
        this.#onTheWay(() => this.#fail(serverError('No cluster leader')));
        return;
      case 'reset':
        this.#instead(fate.done, () => this.#fail(reset()));
        return;
      case 'rpc-error':
        this.#instead(fate.done, () => this.#fail(serverError('rpc error making call: EOF')));
        return;
      case 'empty':
        this.#instead(fate.done, () => this.#deliver(() => this.#resolve([OK])));
        return;
      case 'silent':
        this.#instead(fate.done, () => {});
        return;
      case 'deposed': {
        const old = this.#oldAnswer();
        this.isLie = old !== undefined;
        this.#onTheWay(() => (old === undefined ? this.#arrive() : this.#answer(old)));
        return;
      }
    }
  }

  /** A reading ends with its reader; a write that was sent is carried out. */
  #giveUp(): void {
    this.#hasGivenUp = true;
    if (this.#isReading) this.#context.emit('cancel');
    this.#reject(Object.assign(new Error('request aborted'), { isPapi: true, isAbort: true }));
  }

  #onTheWay(then: () => void): void {
    this.#after(this.upMs, then);
  }

  /** What comes in place of an answer, whether or not the request is carried out. */
  #instead(isDone: boolean, reply: () => void): void {
    this.#onTheWay(() => {
      if (isDone) this.#pass().catch(() => {});
      reply();
    });
  }

  #arrive(): void {
    if (this.#hasGivenUp && this.#isReading) return;
    this.#pass().then(
      (answer) => this.#answer(answer),
      (error: Error) => this.#refuse(error),
    );
  }

  async #pass(): Promise<unknown> {
    const answer = await this.#call.pass({ ...this.#call.options, ctx: this.#context });
    this.#terms.onDone(answer);
    return answer;
  }

  #answer(answer: unknown): void {
    this.#deliver(() => {
      this.#terms.onAnswer(answer);
      this.#resolve(answer);
    });
  }

  #refuse(error: Error): void {
    const { fate, server } = this.#terms;
    const { operation, options } = this.#call;
    const wasThere = operation === 'session.renew' && server.sessions.has(options.id ?? '');
    if (fate?.kind !== 'deposed' || !wasThere) this.#fail(error);
    else this.#answer([{ ...OK, body: [{ ID: options.id }] }, [{ ID: options.id }]]);
  }

  #fail(error: Error): void {
    this.#deliver(() => this.#reject(error));
  }

  #deliver(settle: () => void): void {
    const { fate, latencyMs, clock } = this.#terms;
    this.#after(fate?.kind === 'late' ? fate.downMs : latencyMs(), () =>
      clock.deliver(() => {
        if (!this.#hasGivenUp) settle();
      }),
    );
  }

  #after(delayMs: number, then: () => void): void {
    if (delayMs > 0) this.#terms.server.clock.schedule(delayMs, then);
    else then();
  }

  /** From before the last change, to a reading that does not insist on the truth. */
  #oldAnswer(): unknown {
    const { operation, options } = this.#call;
    const { key, index, consistent, recurse } = options;
    if (operation !== 'kv.get' || key === undefined) return undefined;
    if (index !== undefined || consistent === true || recurse === true) return undefined;
    const entry = this.#terms.server.entryBefore(key);
    return entry ? [OK, { ...toRow(entry), Value: entry.value }] : [{ statusCode: 404 }];
  }
}
