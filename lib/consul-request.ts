import { AsyncLocalStorage } from 'node:async_hooks';
import { channel } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import type { ClientRequest } from 'node:http';
import { systemClock } from './clock.ts';
import { NoAnswer, translateFailure } from './consul-failure.ts';

/** How one request is sent. */
export interface RequestLimits {
  /** Ends the request; the promise rejects with `signal.reason`. What was asked for may be carried out all the same. */
  readonly signal?: AbortSignal | undefined;
  /** In milliseconds. */
  readonly timeoutMs: number;
  /** Whether a request under way keeps the process alive. */
  readonly keepProcessAlive: boolean;
  /** What must not be shown in an error. */
  readonly secrets: readonly string[];
  /** The lock's keys, for errors. */
  readonly keys: readonly string[];
}

/** What came back: the HTTP status where the client tells it, and the decoded body. */
export interface Answer {
  readonly status: number | undefined;
  readonly body: unknown;
  readonly response: { readonly statusCode: number; readonly body?: unknown } | undefined;
}

/**
 * What every call to the `consul` package needs. It would wait for ever without a limit of ours; its own limit would keep
 * the process alive, so that it is switched off.
 */
export interface CallOptions {
  readonly ctx: EventEmitter;
  readonly timeout: 0;
}

/**
 * Sends one request and reads its answer; every failure becomes a `ConsulRequestError`, but for a cancellation.
 *
 * Settles in its time whatever the client does, also when it ignores `ctx`.
 */
export async function sendRequest<T>(
  operation: string,
  send: (options: CallOptions) => Promise<unknown>,
  read: (answer: Answer) => T,
  { signal, timeoutMs, keepProcessAlive, secrets, keys }: RequestLimits,
): Promise<T> {
  signal?.throwIfAborted();
  const ctx = Object.assign(new EventEmitter(), { includeResponse: true });
  let giveUp: (reason: unknown) => void = () => {};
  const gaveUp = new Promise<never>((_resolve, reject) => {
    giveUp = reject;
  });
  const onAbort = (): void => giveUp(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  const dispose = systemClock.schedule(
    timeoutMs,
    () => giveUp(new NoAnswer(`no answer within ${timeoutMs} ms`)),
    { keepProcessAlive },
  );
  try {
    const start = (): Promise<unknown> => send({ ctx, timeout: 0 });
    const answered = keepProcessAlive ? start() : leavingProcessIdle(start);
    return read(answerOf(await Promise.race([answered, gaveUp])));
  } catch (error) {
    ctx.emit('cancel');
    signal?.throwIfAborted();
    throw translateFailure(error, { operation, secrets, keys });
  } finally {
    dispose();
    signal?.removeEventListener('abort', onAbort);
  }
}

/** With `ctx.includeResponse` the client answers with `[response, body]`; one of the same shape may not know that. */
function answerOf(result: unknown): Answer {
  if (Array.isArray(result)) {
    const [response, body] = result as [{ statusCode?: unknown; body?: unknown } | undefined, unknown];
    if (typeof response?.statusCode === 'number') {
      return { status: response.statusCode, body, response: response as Answer['response'] };
    }
  }
  return { status: undefined, body: result, response: undefined };
}

const leavesProcessIdle = new AsyncLocalStorage<boolean>();
let isListening = false;

/**
 * The sockets of requests that are sent so do not keep the process alive. The client gives no way to its sockets; Node
 * tells of each request as it starts, in the asynchronous context that it was made in.
 */
function leavingProcessIdle<T>(start: () => T): T {
  if (!isListening) {
    isListening = true;
    channel('http.client.request.start').subscribe((message) => {
      if (leavesProcessIdle.getStore() !== true) return;
      const { request } = message as { request: ClientRequest };
      if (request.socket) request.socket.unref();
      else request.once('socket', (socket) => socket.unref());
    });
  }
  return leavesProcessIdle.run(true, start);
}
