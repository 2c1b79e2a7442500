import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { LaboratoryFact, LineFault } from '../history/facts.ts';
import { machineTimeMs } from '../history/machine-time.ts';
import { FaultyConnection } from './faulty-connection.ts';
import type { Seeded } from './seeded.ts';

/** What a line does to a share of the requests that come by. */
export interface LineTrouble {
  readonly fault: LineFault;
  /** Of all requests, from 0 to 1. */
  readonly share: number;
  /** Whether only requests suffer that take keys. */
  readonly takingsOnly: boolean;
  /** By how much requests or answers are late. */
  readonly lateMs: number;
}

/** What a line tells of. */
export interface LineWitness {
  readonly contender: string;
  /** The name of the sessions that are of interest. */
  readonly run: string;
  readonly tell: (fact: LaboratoryFact) => void;
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
  readonly #witness: LineWitness;
  readonly #open = new Set<FaultyConnection>();

  private constructor(
    server: Server,
    target: { host: string; port: number },
    random: Seeded,
    witness: LineWitness,
  ) {
    this.#server = server;
    this.#random = random;
    this.#witness = witness;
    server.on('connection', (client) => this.#accept(client, target));
  }

  /** On a free loopback port before `target`, an agent. */
  static async start(
    target: { readonly host: string; readonly port: number },
    random: Seeded,
    witness: LineWitness,
  ): Promise<FaultLine> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    server.listen({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    return new FaultLine(server, { host: target.host, port: target.port }, random, witness);
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
      const { contender, tell } = this.#witness;
      const at = machineTimeMs();
      tell({ kind: 'turned-away', at, before: at, contender });
      return;
    }
    const upstream = connect({ ...target, allowHalfOpen: true, noDelay: true });
    const connection = new FaultyConnection(
      client,
      upstream,
      (isTaking) => this.#draw(isTaking),
      this.#witness,
    );
    this.#open.add(connection);
    connection.closed.then(
      () => this.#open.delete(connection),
      () => {},
    );
  }

  #draw(isTaking: boolean): LineTrouble | undefined {
    const { trouble } = this;
    if (!trouble || (trouble.takingsOnly && !isTaking)) return undefined;
    return this.#random.chance(trouble.share) ? trouble : undefined;
  }
}
