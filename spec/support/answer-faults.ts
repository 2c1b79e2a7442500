import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** A request that came by, and what Consul answered, whether or not that was passed on. */
export interface PassedRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  status?: number;
  answer?: string;
}

/** Which requests a fault is for. */
export type RequestKind = (passed: PassedRequest) => boolean;

/**
 * `lost`: the request is carried out, and its answer never comes. `cut`: half of the answer comes, then FIN. `reset`: the
 * connection is reset instead of an answer. `late`: by so much. `held`: the request itself is kept back until then.
 */
export type Fault =
  'lost' | 'cut' | 'reset' | { readonly lateByMs: number } | { readonly heldUntil: Promise<unknown> };

/** Requests as they stand in Consul's HTTP interface. */
export const requests = {
  create: ({ path }: PassedRequest): boolean => path.startsWith('/v1/session/create'),
  destroy: ({ path }: PassedRequest): boolean => path.startsWith('/v1/session/destroy'),
  renew: ({ path }: PassedRequest): boolean => path.startsWith('/v1/session/renew'),
  transaction: ({ path }: PassedRequest): boolean => path.startsWith('/v1/txn'),
  take: ({ path, body }: PassedRequest): boolean => path.startsWith('/v1/txn') && /"Verb":"lock"/.test(body),
  giveBack: ({ path, body }: PassedRequest): boolean =>
    path.startsWith('/v1/txn') && /"Verb":"delete-cas"/.test(body),
  wait: ({ method, path }: PassedRequest): boolean => method === 'GET' && /[?&]index=/.test(path),
};

/** A proxy in front of Consul that does something to the answers of chosen requests; all others pass. */
export class AnswerFaults implements AsyncDisposable {
  readonly passed: PassedRequest[] = [];
  readonly #server: Server;
  readonly #target: URL;
  #rules: { readonly kind: RequestKind; readonly fault: Fault; times: number }[] = [];
  readonly port: number;

  private constructor(server: Server, target: URL) {
    this.#server = server;
    this.#target = target;
    this.port = (server.address() as AddressInfo).port;
    server.on('request', (incoming, response) => void this.#pass(incoming, response));
  }

  /** On a free loopback port before `target`, which is `host:port` or a URL of scheme http. */
  static async start(target: string): Promise<AnswerFaults> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new AnswerFaults(server, new URL(target.includes('://') ? target : `http://${target}`));
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** The next `times` requests of this kind suffer this. */
  fault(kind: RequestKind, fault: Fault, times = 1): void {
    this.#rules.push({ kind, fault, times });
  }

  heal(): void {
    this.#rules = [];
  }

  ofKind(kind: RequestKind): PassedRequest[] {
    return this.passed.filter(kind);
  }

  /** Nobody listens any more: connections are refused by the system. */
  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  /** Listens again, on the same port. */
  async open(): Promise<void> {
    this.#server.listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async stop(): Promise<void> {
    if (this.#server.listening) await this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #pass(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => {});
    let body = '';
    for await (const chunk of incoming.setEncoding('utf8')) body += chunk as string;
    const passed: PassedRequest = { method: incoming.method!, path: incoming.url!, body };
    this.passed.push(passed);
    const fault = this.#faultFor(passed);
    if (typeof fault === 'object' && 'heldUntil' in fault) await fault.heldUntil;
    try {
      const { headers, text } = await this.#forward(incoming, response, passed);
      if (typeof fault === 'object' && 'lateByMs' in fault) await pause(fault.lateByMs);
      answer(response, fault, passed.status!, headers, text);
    } catch {
      incoming.socket.resetAndDestroy();
    }
  }

  #faultFor(passed: PassedRequest): Fault | undefined {
    const rule = this.#rules.find(({ kind, times }) => times > 0 && kind(passed));
    if (rule) rule.times -= 1;
    return rule?.fault;
  }

  async #forward(
    incoming: IncomingMessage,
    response: ServerResponse,
    passed: PassedRequest,
  ): Promise<{ headers: IncomingMessage['headers']; text: string }> {
    const outgoing = request(new URL(passed.path, this.#target), {
      method: passed.method,
      headers: { ...incoming.headers, connection: 'close' },
      agent: false,
    });
    // A write is carried out whatever its sender does; a reading ends with its reader.
    if (passed.method === 'GET') response.once('close', () => outgoing.destroy());
    outgoing.end(passed.body);
    const [upstream] = (await once(outgoing, 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of upstream.setEncoding('utf8')) text += chunk as string;
    passed.status = upstream.statusCode!;
    passed.answer = text;
    return { headers: upstream.headers, text };
  }
}

function answer(
  response: ServerResponse,
  fault: Fault | undefined,
  status: number,
  headers: IncomingMessage['headers'],
  text: string,
): void {
  if (fault === 'lost') return;
  const { socket } = response;
  if (fault === 'reset') {
    socket?.resetAndDestroy();
    return;
  }
  const { connection: _connection, ...others } = headers;
  response.writeHead(status, { ...others, 'content-length': Buffer.byteLength(text) });
  if (fault !== 'cut') {
    response.end(text);
    return;
  }
  response.write(text.slice(0, Math.floor(text.length / 2)));
  socket?.end();
}
