import type { EventEmitter } from 'node:events';
import { CallContext } from './call-context.ts';
import { systemClock } from './system-clock.ts';
import type { ConsulClient } from './consul-client.ts';
import { NoAnswer, translateFailure } from './consul-failure.ts';
import { withSocketTraits } from './consul-socket.ts';
import type { Traffic } from './lanes.ts';
import type { StopSignal } from './stop.ts';

/** How one request is sent. */
export interface RequestLimits {
  /** Ends the request; the promise rejects with `signal.reason`. What was asked for may be carried out all the same. */
  readonly signal?: StopSignal | undefined;
  /** Ends it only as long as it stands in line. */
  readonly untilSent: StopSignal | undefined;
  /** In milliseconds, from when it is sent. */
  readonly timeoutMs: number;
  /** With which others it shares connections, and whether it stands in line behind them. */
  readonly traffic: Traffic;
  readonly behind: boolean;
  /** Which client sends it. */
  readonly client: ConsulClient;
  /** Whether a request under way keeps the process alive. */
  readonly keepProcessAlive: boolean;
  /** The largest answer that is read; for clients that send by Node's own `http`. */
  readonly mostBytes: number;
  /** Whether the client can be given this answer. */
  readonly isBearable?: ((body: Buffer) => boolean) | undefined;
  /** An answer that the client takes for a failure; undefined when it is none. */
  readonly answerIn?: ((error: unknown) => unknown) | undefined;
  /** What must not be shown in an error. */
  readonly secrets: () => readonly string[];
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
 * Settles in its time whatever the client does, also when it ignores `ctx`. Written without `async`, as all on the way of
 * a lock where promises add up: a chain of them costs more than the request.
 */
export function sendRequest<T>(
  operation: string,
  send: (options: CallOptions) => Promise<unknown>,
  read: (answer: Answer) => T,
  limits: RequestLimits,
): Promise<T> {
  const { signal, untilSent, traffic, behind } = limits;
  return new Promise<T>((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason);
      return;
    }
    const go = (): void => sendNow(operation, send, read, limits, resolve, reject);
    const standing = traffic.enter(untilSent, { behind });
    if (standing) standing.then(go, reject);
    else go();
  });
}

function sendNow<T>(
  operation: string,
  send: (options: CallOptions) => Promise<unknown>,
  read: (answer: Answer) => T,
  {
    signal,
    timeoutMs,
    traffic,
    client,
    keepProcessAlive,
    mostBytes,
    isBearable,
    answerIn,
    secrets,
    keys,
  }: RequestLimits,
  resolve: (value: T) => void,
  reject: (reason: unknown) => void,
): void {
  const ctx = new CallContext();
  let isOver = false;
  const end = (): void => {
    isOver = true;
    traffic.leave();
    dispose();
    signal?.removeEventListener('abort', fail);
  };
  const fail = (error?: unknown): void => {
    if (isOver) return;
    end();
    if (signal?.aborted === true) reject(signal.reason);
    else reject(translateFailure(error, { operation, secrets: secrets(), keys, client }));
    try {
      ctx.emit('cancel');
    } catch {
      // The client logs what it ends, and whoever listens to that may throw: here it has ended all the same.
    }
  };
  const succeed = (result: unknown): void => {
    if (isOver) return;
    let value: T;
    try {
      value = read(answerOf(result));
    } catch (error) {
      fail(error);
      return;
    }
    end();
    ctx.letGo();
    resolve(value);
  };
  const refuse = (error: unknown): void => {
    let answer: unknown;
    try {
      answer = answerIn?.(error);
    } catch (unreadable) {
      fail(unreadable);
      return;
    }
    if (answer === undefined) fail(error);
    else succeed(answer);
  };
  const dispose = systemClock.schedule(
    timeoutMs,
    () => fail(new NoAnswer(`no answer within ${timeoutMs} ms`)),
    { keepProcessAlive },
  );
  if (signal?.aborted === true) {
    fail();
    return;
  }
  signal?.addEventListener('abort', fail, { once: true });
  try {
    const traits = { keepProcessAlive, mostBytes, isBearable };
    void Promise.resolve(withSocketTraits(client, traits, () => send({ ctx, timeout: 0 }))).then(
      succeed,
      refuse,
    );
  } catch (error) {
    fail(error);
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
