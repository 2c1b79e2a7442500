import { AsyncLocalStorage } from 'node:async_hooks';
import { channel } from 'node:diagnostics_channel';
import type { ClientRequest, IncomingMessage } from 'node:http';

/** What the `consul` package does not do for a request. */
export interface SocketTraits {
  /** Whether its socket keeps the process alive. */
  readonly keepProcessAlive: boolean;
  /** The largest answer that is read. */
  readonly mostBytes: number;
  /** Whether the client can be given this answer: some would make it throw where nobody can catch it. */
  readonly isBearable?: ((body: Buffer) => boolean) | undefined;
}

const traitsOfRequests = new AsyncLocalStorage<SocketTraits>();
let isListening = false;

/**
 * Gives these traits to the HTTP requests that `start` makes. The client gives no way to its sockets; Node tells of each
 * request as it starts, in the asynchronous context that it was made in.
 */
export function withSocketTraits<T>(traits: SocketTraits, start: () => T): T {
  if (!isListening) {
    isListening = true;
    channel('http.client.request.start').subscribe((message) => {
      const given = traitsOfRequests.getStore();
      if (given) apply(given, (message as { request: ClientRequest }).request);
    });
  }
  return traitsOfRequests.run(traits, start);
}

function apply(traits: SocketTraits, request: ClientRequest): void {
  if (!traits.keepProcessAlive) {
    if (request.socket) request.socket.unref();
    else request.once('socket', (socket) => socket.unref());
  }
  // Before the client itself looks at it.
  request.prependOnceListener('response', (response) => watchAnswer(request, response, traits));
}

/** The client waits for ever when a connection ends in the middle of an answer, and reads on however much comes. */
function watchAnswer(
  request: ClientRequest,
  response: IncomingMessage,
  { mostBytes, isBearable }: SocketTraits,
): void {
  const fail = (error: Error): void => {
    if (request.listenerCount('error') > 0) request.emit('error', error);
    request.destroy();
  };
  let bytes = 0;
  const chunks: Buffer[] = [];
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (isBearable) chunks.push(chunk);
    if (bytes > mostBytes) fail(new Error(`the answer is larger than ${mostBytes} bytes`));
  });
  response.once('end', () => {
    if (isBearable?.(Buffer.concat(chunks)) === false) fail(new Error('the answer is malformed'));
  });
  response.once('close', () => {
    if (response.complete) return;
    fail(
      Object.assign(new Error('the connection ended in the middle of the answer'), { code: 'ECONNRESET' }),
    );
  });
}
