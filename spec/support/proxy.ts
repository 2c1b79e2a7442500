import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

export interface ProxiedRequest {
  readonly method: string;
  readonly path: string;
}

/** A TCP proxy that can do to a connection what networks do. Faults apply from the moment they are set. */
export class FaultProxy implements AsyncDisposable {
  /** By how much each piece of an answer is late. */
  latencyMs = 0;
  /** Swallows all that comes, in both directions; a connection that lost something stays mute. */
  blackhole = false;
  /** Resets new connections at once. */
  refuse = false;
  /** Ends the connection, by FIN, after this many bytes of an answer. */
  cutAfter: number | undefined;
  /** Delivers requests and swallows their answers; a connection that lost an answer stays mute. */
  loseAnswers = false;

  /** How many connections were made, refused ones included. */
  connections = 0;
  /** The heads of the HTTP requests that came, in their order. */
  readonly requests: ProxiedRequest[] = [];

  readonly #server: Server;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #open = new Set<Socket>();

  private constructor(server: Server, target: { readonly host: string; readonly port: number }) {
    this.#server = server;
    this.#target = target;
    server.on('connection', (client) => this.#accept(client));
  }

  /** A proxy on a free loopback port before `target`, which is `host:port` or a URL of scheme http. */
  static async start(target: string): Promise<FaultProxy> {
    const url = new URL(target.includes('://') ? target : `http://${target}`);
    if (url.protocol !== 'http:') throw new Error(`the proxy speaks plain TCP only, not ${target}`);
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    server.listen({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    return new FaultProxy(server, { host: url.hostname, port: Number(url.port || 80) });
  }

  get host(): string {
    return '127.0.0.1';
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get address(): string {
    return `${this.host}:${this.port}`;
  }

  /** Switches all faults off, for connections to come and those that lost nothing. */
  heal(): void {
    this.latencyMs = 0;
    this.blackhole = this.refuse = this.loseAnswers = false;
    this.cutAfter = undefined;
  }

  /** Cuts all open connections, by RST. */
  reset(): void {
    for (const socket of this.#open) socket.resetAndDestroy();
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #accept(client: Socket): void {
    this.connections += 1;
    if (this.refuse) {
      client.on('error', () => {});
      client.resetAndDestroy();
      return;
    }
    const upstream = connect({ ...this.#target, allowHalfOpen: true, noDelay: true });
    for (const socket of [client, upstream]) {
      this.#open.add(socket);
      socket.on('close', () => this.#open.delete(socket));
    }
    client.on('error', () => upstream.resetAndDestroy());
    upstream.on('error', () => client.resetAndDestroy());
    // Not the other way round: an answer may still be on its way when the server has closed.
    client.on('close', () => upstream.destroy());
    this.#relay(client, upstream);
  }

  #relay(client: Socket, upstream: Socket): void {
    let mute = false;
    let answered = 0;
    let seen = '';
    let delivery: Promise<unknown> = Promise.resolve();

    client.on('data', (bytes: Buffer) => {
      seen += bytes.toString('latin1');
      for (const [head, method, path] of seen.matchAll(
        /(GET|HEAD|PUT|POST|DELETE) (\/\S*) HTTP\/1\.1\r\n/g,
      )) {
        this.requests.push({ method: method!, path: path! });
        seen = seen.slice(seen.indexOf(head) + head.length);
        answered = 0;
      }
      // A head may come in pieces, but it is never long.
      seen = seen.slice(-4_096);
      mute ||= this.blackhole;
      if (!mute) upstream.write(bytes);
    });
    client.on('end', () => upstream.end());

    const deliver = (bytes: Buffer): void => {
      mute ||= this.blackhole || this.loseAnswers;
      if (mute || client.writableEnded) return;
      const rest = this.cutAfter === undefined ? bytes.length : Math.max(0, this.cutAfter - answered);
      answered += bytes.length;
      client.write(bytes.subarray(0, rest));
      if (rest > bytes.length || this.cutAfter === undefined) return;
      client.end();
      upstream.destroy();
    };
    const late = (deliverNow: () => void): void => {
      const due = performance.now() + this.latencyMs;
      delivery = delivery.then(async () => {
        const waitMs = due - performance.now();
        if (waitMs > 0) await pause(waitMs);
        deliverNow();
      });
    };
    upstream.on('data', (bytes: Buffer) => late(() => deliver(bytes)));
    upstream.on('end', () => late(() => mute || client.end()));
  }
}
