import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { LineFault } from '../history/facts.ts';
import { FaultyConnection } from './faulty-connection.ts';
import type { Seeded } from './seeded.ts';

/** What a line does to a share of the requests that come by. */
export interface LineTrouble {
  readonly fault: LineFault;
  /** Of all requests, from 0 to 1. */
  readonly share: number;
  /** By how much requests or answers are late. */
  readonly lateMs: number;
}

/**
 * A contender's line to its agent: a TCP proxy that treats each HTTP request by itself, so that only some of them suffer.
 * What `heal` finds held back is delivered; connections that swallowed something are reset, as by a network that is whole
 * again.
 */
export class FaultLine implements AsyncDisposable {
  trouble: LineTrouble | undefined;
  readonly #server: Server;
  readonly #random: Seeded;
  readonly #open = new Set<FaultyConnection>();

  private constructor(server: Server, target: { host: string; port: number }, random: Seeded) {
    this.#server = server;
    this.#random = random;
    server.on('connection', (client) => this.#accept(client, target));
  }

  /** On a free loopback port before `target`, an agent. */
  static async start(
    target: { readonly host: string; readonly port: number },
    random: Seeded,
  ): Promise<FaultLine> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    server.listen({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    return new FaultLine(server, { host: target.host, port: target.port }, random);
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  suffer(trouble: LineTrouble): void {
    this.trouble = trouble;
    if (trouble.fault === 'reset') for (const connection of this.#open) connection.reset();
  }

  heal(): void {
    this.trouble = undefined;
    for (const connection of this.#open) connection.heal();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const connection of this.#open) connection.reset();
    await closed;
  }

  #accept(client: Socket, target: { host: string; port: number }): void {
    if (this.trouble?.fault === 'refuse') {
      client.on('error', () => {});
      client.resetAndDestroy();
      return;
    }
    const upstream = connect({ ...target, allowHalfOpen: true, noDelay: true });
    const connection = new FaultyConnection(client, upstream, () => this.#draw());
    this.#open.add(connection);
    connection.closed.then(
      () => this.#open.delete(connection),
      () => {},
    );
  }

  #draw(): LineTrouble | undefined {
    return this.trouble && this.#random.chance(this.trouble.share) ? this.trouble : undefined;
  }
}
