import { EventEmitter } from 'node:events';
import { STATUS_CODES } from 'node:http';
import {
  abortError,
  canceledError,
  responseError,
  timeoutError,
  type FakeResponse,
} from './client-errors.ts';
import type { FakeClock } from './fake-clock.ts';
import type { FakeFaults, Fault } from './fake-faults.ts';
import { Refusal, type Query, type Reply } from './fake-reply.ts';
import type { FakeStore } from './fake-store.ts';
import type { FakeTraffic } from './fake-traffic.ts';
import { parseGoDuration, toMs } from './go-duration.ts';

/** One request of the client. */
export interface Call {
  /** As the client names it in its errors. */
  readonly name: string;
  /** The client puts its name before the errors of `kv.get` alone. */
  readonly namesErrors?: boolean;
  readonly operation: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** Runs when the request arrives at the server. */
  readonly serve: () => Reply | Query;
  /** Picks the result; undefined: there is none, and `includeResponse` gives the response alone. */
  readonly shape: (response: FakeResponse) => { readonly value: unknown } | undefined;
}

type Context = EventEmitter & { canceled?: unknown; finished?: unknown; includeResponse?: unknown };

/** Brings requests to the server and answers back, each in a turn of its own, and lets faults happen to them. */
export class FakeWire {
  private readonly clock: FakeClock;
  private readonly traffic: FakeTraffic;
  private readonly store: FakeStore;
  private readonly faults: FakeFaults;

  constructor(clock: FakeClock, traffic: FakeTraffic, store: FakeStore, faults: FakeFaults) {
    this.clock = clock;
    this.traffic = traffic;
    this.store = store;
    this.faults = faults;
  }

  async send(call: Call): Promise<unknown> {
    const { name, options } = call;
    const context = options['ctx'] instanceof EventEmitter ? (options['ctx'] as Context) : undefined;
    if (context?.canceled === true) throw canceledError(name, 'canceled');
    if (context?.finished === true) throw canceledError(name, 'finished');
    const fault = this.faults.take(call.operation);
    const reply = await this.exchange(call, context, fault);
    const response = toResponse(reply);
    const isMissing = call.namesErrors === true && reply.status === 404;
    if (reply.status >= 300 && !isMissing) throw responseError(response, prefixOf(call));
    const result = isMissing ? undefined : call.shape(response);
    if (context?.includeResponse) return result === undefined ? [response] : [response, result.value];
    // The client drops whatever is falsy: a refusal resolves to undefined.
    return result?.value || undefined;
  }

  private async exchange(call: Call, context: Context | undefined, fault: Fault | undefined): Promise<Reply> {
    const prefix = prefixOf(call);
    const timeoutMs = timeoutOf(call.options['timeout']);
    const cleanUps: (() => void)[] = [];
    let isOver = false;
    const answer = new Promise<Reply>((resolve, reject) => {
      const abort = (): void => reject(abortError(prefix));
      context?.once('cancel', abort);
      cleanUps.push(() => context?.removeListener('cancel', abort));
      if (timeoutMs !== undefined) {
        cleanUps.push(this.clock.schedule(timeoutMs, () => reject(timeoutError(prefix, timeoutMs))));
      }
      const arrive = (): void => {
        if (fault?.kind === 'refused') throw fault.error;
        this.clock.catchUp();
        // Also when the caller has given up: a request that was sent is carried out.
        const served = call.serve();
        if (fault?.kind === 'answer-lost') throw timeoutError(prefix, timeoutMs);
        if (!('read' in served)) resolve(served);
        else if (!isOver) cleanUps.push(this.watch(served, resolve, reject));
      };
      this.traffic.later(() => attempt(arrive, resolve, reject));
    });
    try {
      return await answer;
    } finally {
      isOver = true;
      for (const cleanUp of cleanUps) cleanUp();
    }
  }

  /** Answers once there is news, or the wait is over. */
  private watch(
    query: Query,
    resolve: (reply: Reply) => void,
    reject: (reason: unknown) => void,
  ): () => void {
    const { knownIndex, waitMs } = query;
    const first = query.read();
    // A table that was never written to tells 1.
    if (knownIndex === 0 || Math.max(1, first.index) > knownIndex) {
      resolve(first.reply);
      return () => {};
    }
    const look = (): void => {
      const next = query.read();
      if (next.mark !== first.mark && next.index > knownIndex) resolve(next.reply);
    };
    const onWrite = (): void => this.traffic.later(() => attempt(look, resolve, reject));
    const onEnd = (): void => attempt(() => resolve(query.read().reply), resolve, reject);
    this.store.listeners.add(onWrite);
    const stopTimer = this.clock.schedule(waitMs, onEnd);
    return () => {
      stopTimer();
      this.store.listeners.delete(onWrite);
    };
  }
}

function attempt(
  action: () => void,
  resolve: (reply: Reply) => void,
  reject: (reason: unknown) => void,
): void {
  try {
    action();
  } catch (error) {
    if (error instanceof Refusal) resolve(error.reply);
    else reject(error);
  }
}

function toResponse({ status, body, contentType, headers }: Reply): FakeResponse {
  return {
    statusCode: status,
    statusMessage: STATUS_CODES[status] ?? '',
    headers: { ...(contentType !== undefined && { 'content-type': contentType }), ...headers },
    ...(body !== undefined && { body }),
  };
}

function prefixOf({ name, namesErrors }: Call): string {
  return namesErrors === true ? `consul: ${name}: ` : '';
}

/** In milliseconds, or a duration; undefined: the client sets no limit. */
function timeoutOf(timeout: unknown): number | undefined {
  if (typeof timeout === 'number') return timeout > 0 ? timeout : undefined;
  if (typeof timeout !== 'string') return undefined;
  try {
    return toMs(parseGoDuration(timeout)) || undefined;
  } catch {
    return undefined;
  }
}
