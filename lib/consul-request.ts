import { EventEmitter } from 'node:events';
import { systemClock } from './clock.ts';
import { NoAnswer, translateFailure } from './consul-failure.ts';
import { withSocketTraits } from './consul-socket.ts';
import type { Traffic } from './lanes.ts';

/** How one request is sent. */
export interface RequestLimits {
  /** Ends the request; the promise rejects with `signal.reason`. What was asked for may be carried out all the same. */
  readonly signal?: AbortSignal | undefined;
  /** Ends it only as long as it stands in line. */
  readonly untilSent: AbortSignal | undefined;
  /** In milliseconds, from when it is sent. */
  readonly timeoutMs: number;
  /** With which others it shares connections, and whether it stands in line behind them. */
  readonly traffic: Traffic;
  readonly behind: boolean;
  /** Whether a request under way keeps the process alive. */
  readonly keepProcessAlive: boolean;
  /** The largest answer that is read; for clients that send by Node's own `http`. */
  readonly mostBytes: number;
  /** Whether the client can be given this answer. */
  readonly isBearable?: ((body: Buffer) => boolean) | undefined;
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
 * Settles in its time whatever the client does, also when it ignores `ctx`.
 */
export async function sendRequest<T>(
  operation: string,
  send: (options: CallOptions) => Promise<unknown>,
  read: (answer: Answer) => T,
  {
    signal,
    untilSent,
    timeoutMs,
    traffic,
    behind,
    keepProcessAlive,
    mostBytes,
    isBearable,
    secrets,
    keys,
  }: RequestLimits,
): Promise<T> {
  signal?.throwIfAborted();
  const standing = traffic.enter(untilSent, { behind });
  if (standing) await standing;
  if (signal?.aborted === true) {
    traffic.leave();
    throw signal.reason as Error;
  }
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
    const answered = withSocketTraits({ keepProcessAlive, mostBytes, isBearable }, () =>
      send({ ctx, timeout: 0 }),
    );
    return read(answerOf(await Promise.race([answered, gaveUp])));
  } catch (error) {
    ctx.emit('cancel');
    signal?.throwIfAborted();
    throw translateFailure(error, { operation, secrets: secrets(), keys });
  } finally {
    traffic.leave();
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
