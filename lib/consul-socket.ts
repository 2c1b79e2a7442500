import { AsyncLocalStorage } from 'node:async_hooks';
import { channel } from 'node:diagnostics_channel';
import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import { CLOCK } from './clock.ts';
import { agentOf, type ConsulClient } from './consul-client.ts';

/** What the `consul` package does not do for a request. */
export interface SocketTraits {
  /** Whether its socket keeps the process alive. */
  readonly keepProcessAlive: boolean;
  /** The largest answer that is read. */
  readonly mostBytes: number;
  /** Whether the client can be given this answer: some would make it throw where nobody can catch it. */
  readonly isBearable?: ((body: Buffer) => boolean) | undefined;
}

/** Of the request that is being made at this moment. */
let beingMade: SocketTraits | undefined;

const traitsOfLater = new AsyncLocalStorage<SocketTraits>();
const agentsThatTell = new WeakSet<object>();
const given = new WeakSet<ClientRequest>();

/** Of clients that have made a request: whether they did so at once, and we were told. */
const tellsAtOnce = new WeakMap<ConsulClient, boolean>();
let isListening = false;

/**
 * Gives these traits to the HTTP requests that `start` makes. The client gives no way to its sockets; what tells of each
 * request, as it is made, is an agent of ours, or else Node from 22.12 on. Node 20 tells when it is sent, and some clients do
 * something else first: their requests are known by the asynchronous context that they were asked for in, which makes every
 * promise of the process dearer on Node 20.
 */
export function withSocketTraits<T>(client: ConsulClient, traits: SocketTraits, start: () => T): T {
  // One in memory has no sockets.
  if (CLOCK in client) return start();
  const isAtOnce = tellsAtOnce.get(client) ?? agentsThatTell.has(agentOf(client) as object);
  if (!isAtOnce) listen();
  beingMade = traits;
  try {
    return isAtOnce ? start() : traitsOfLater.run(traits, start);
  } finally {
    const wasAtOnce = beingMade === undefined;
    if (wasAtOnce !== isAtOnce) tellsAtOnce.set(client, wasAtOnce);
    beingMade = undefined;
  }
}

/** Makes an agent tell of the requests that it is given. */
export function tellingOfRequests<T extends Agent>(agent: T): T {
  const told = agent as T & { addRequest(request: ClientRequest, ...rest: unknown[]): void };
  const addRequest = told.addRequest.bind(agent);
  told.addRequest = (request, ...rest) => {
    giveTo(request);
    addRequest(request, ...rest);
  };
  agentsThatTell.add(agent);
  return agent;
}

function listen(): void {
  if (isListening) return;
  isListening = true;
  for (const name of ['http.client.request.created', 'http.client.request.start']) {
    channel(name).subscribe((message) => giveTo((message as { request: ClientRequest }).request));
  }
}

function giveTo(request: ClientRequest): void {
  const traits = beingMade ?? traitsOfLater.getStore();
  beingMade = undefined;
  if (!traits || (isListening && !isNew(request))) return;
  if (!traits.keepProcessAlive) {
    if (request.socket) request.socket.unref();
    else request.once('socket', (socket) => socket.unref());
  }
  // Before the client itself looks at it.
  request.prependListener('response', (response) => watchAnswer(request, response, traits));
}

/** Whoever listens is told of a request when it is made, from Node 22.12 on, and when it is sent. */
function isNew(request: ClientRequest): boolean {
  if (given.has(request)) return false;
  given.add(request);
  return true;
}

/** The client waits for ever when a connection ends in the middle of an answer, and reads on however much comes. */
function watchAnswer(request: ClientRequest, response: IncomingMessage, traits: SocketTraits): void {
  const fail = (error: Error): void => {
    if (request.listenerCount('error') > 0) request.emit('error', error);
    request.destroy();
  };
  if (traits.isBearable || !isSmall(response, traits.mostBytes)) watchBody(response, traits, fail);
  response.on('close', () => {
    if (response.complete) return;
    fail(
      Object.assign(new Error('the connection ended in the middle of the answer'), { code: 'ECONNRESET' }),
    );
  });
}

function watchBody(
  response: IncomingMessage,
  { mostBytes, isBearable }: SocketTraits,
  fail: (error: Error) => void,
): void {
  let bytes = 0;
  const chunks: Buffer[] = [];
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (isBearable) chunks.push(chunk);
    if (bytes > mostBytes) fail(new Error(`the answer is larger than ${mostBytes} bytes`));
  });
  if (!isBearable) return;
  response.on('end', () => {
    if (!isBearable(Buffer.concat(chunks))) fail(new Error('the answer is malformed'));
  });
}

/** By the length that it announces, and Node reads no more than that. */
function isSmall({ headers: { 'content-length': length } }: IncomingMessage, mostBytes: number): boolean {
  return length !== undefined && Number(length) <= mostBytes;
}
