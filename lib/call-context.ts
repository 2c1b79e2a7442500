import { EventEmitter } from 'node:events';

/** What a client of the `consul` package keeps of one request. */
interface ClientsRequest {
  ctx?: unknown;
  opts?: unknown;
  req?: unknown;
  res?: unknown;
  body?: unknown;
  err?: unknown;
  _stack?: unknown;
  _resolve?: unknown;
  _reject?: unknown;
}

/** Has the client answer with the response too, and lets a request be cancelled. */
export class CallContext extends EventEmitter {
  readonly includeResponse = true;
  request: ClientsRequest | undefined;

  /** The request was answered, and the client is done with it. */
  letGo(): void {
    const { request } = this;
    if (!request) return;
    this.request = undefined;
    request.ctx = undefined;
    request.opts = undefined;
    request.req = undefined;
    request.res = undefined;
    request.body = undefined;
    request.err = undefined;
    request._stack = undefined;
    request._resolve = undefined;
    request._reject = undefined;
  }
}

/**
 * Has the requests of a client let go of all that they refer to, once they are answered.
 *
 * The client writes a function of its own into each request, by which it could be sent again. V8 allocates a function that is
 * written straight into a property in the old generation, and there it keeps the request, with body, answer and all, alive until
 * the next full collection of garbage: every quick one copied them, and V8 took them for long-lived (seen on Node 20 by
 * `--trace-gc`).
 */
export function letGoOfRequests(client: object): void {
  const { _ext: extend } = client as {
    _ext?: (event: string, act: (request: ClientsRequest, next: () => void) => void) => void;
  };
  extend?.call(client, 'onCreate', (request, next) => {
    if (request.ctx instanceof CallContext) request.ctx.request = request;
    next();
  });
}
