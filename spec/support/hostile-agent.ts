import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Answers one request as no Consul would. */
export type Misbehavior = (response: ServerResponse) => void;

const SESSION = '11111111-2222-3333-4444-555555555555';

/** Whatever is asked for goes through, except where it misbehaves. */
export class HostileAgent implements AsyncDisposable {
  /** For the requests whose path begins so. */
  target: string | undefined;
  misbehavior: Misbehavior | undefined;
  readonly #server: Server;
  #entry: object | undefined;

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      void this.#answer(request, response);
    });
  }

  static async start(): Promise<HostileAgent> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new HostileAgent(server);
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  behave(): void {
    this.target = this.misbehavior = this.#entry = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const path = request.url ?? '';
    if (this.target !== undefined && path.startsWith(this.target)) this.misbehavior?.(response);
    else this.#behaved(path, Buffer.concat(chunks).toString(), response);
  }

  #behaved(path: string, body: string, response: ServerResponse): void {
    if (path.startsWith('/v1/session/create')) json(response, { ID: SESSION });
    else if (path.startsWith('/v1/session/destroy')) json(response, true);
    else if (path.startsWith('/v1/session/'))
      json(response, [{ ID: SESSION, Name: 'x', Node: 'x', TTL: '10s' }]);
    else if (path.startsWith('/v1/txn')) json(response, { Results: this.#commit(body), Errors: null });
    else if (this.#entry) json(response, [this.#entry]);
    else response.writeHead(404).end();
  }

  #commit(body: string): object[] {
    const operations = JSON.parse(body) as { KV: { Verb: string; Key: string; Flags: number } }[];
    const lock = operations.find(({ KV }) => KV.Verb === 'lock')?.KV;
    if (!lock) return [];
    const { Key, Flags } = lock;
    this.#entry = { Key, Flags, Value: null, Session: SESSION, LockIndex: 1, CreateIndex: 7, ModifyIndex: 7 };
    return [{ KV: this.#entry }];
  }
}

export function json(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function page(status: number): Misbehavior {
  return (response) => {
    response
      .writeHead(status, { 'content-type': 'text/html' })
      .end('<html><body>Welcome to nginx!</body></html>');
  };
}

function body(text: string): Misbehavior {
  return (response) => response.writeHead(200, { 'content-type': 'application/json' }).end(text);
}

const LARGE = 9 * 1_024 * 1_024;

/** By what they are called in a spec. */
export const MISBEHAVIORS: Readonly<Record<string, Misbehavior>> = {
  'a page with 200': page(200),
  'a page with 301': page(301),
  'a page with 404': page(404),
  'a page with 418': page(418),
  'a page with 429': page(429),
  'a page with 500': page(500),
  'a page with 502': page(502),
  'a page with 503': page(503),
  'an empty 204': (response) => response.writeHead(204).end(),
  'an empty 200': (response) => response.writeHead(200).end(),
  'broken JSON': body('{"ID":'),
  null: body('null'),
  'a number': body('42'),
  'a string': body('"ok"'),
  'an object of something else': body('{"status":"ok"}'),
  'a list of something else': body('[1, null, {"a": 1}]'),
  'wrong types': body(
    '{"ID":5,"Results":[{"KV":{"Key":7,"ModifyIndex":"x"}}],"Errors":"none","Key":{},"ModifyIndex":-1}',
  ),
  'a list of wrong types': body('[{"ID":5,"Key":7,"ModifyIndex":"x","LockIndex":[],"Session":{}}]'),
  'a conflict that says nothing': (response) => json(response, { Results: null, Errors: [] }, 409),
  'a conflict of wrong types': (response) => json(response, { Errors: [{ OpIndex: 'x', What: 1 }] }, 409),
  'a body over 8 MiB': (response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(Buffer.alloc(LARGE, ' '));
  },
  'a body over 8 MiB of the length that it announces': (response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': LARGE });
    response.end(Buffer.alloc(LARGE, ' '));
  },
  'a slow drip': (response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const drip = setInterval(() => response.write(' '), 20);
    response.on('close', () => clearInterval(drip));
  },
  'a connection that ends in mid-answer': (response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1_000 });
    response.write('{"ID":', () => response.socket?.end());
  },
  'a connection that is reset in mid-answer': (response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1_000 });
    response.write('{"ID":', () => response.socket?.resetAndDestroy());
  },
  'a connection that is reset': (response) => {
    response.socket?.resetAndDestroy();
  },
  'no HTTP at all': (response) => response.socket?.end('SSH-2.0-OpenSSH_9.2\r\n'),
  'no answer': () => {},
};
