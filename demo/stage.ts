import { randomUUID } from 'node:crypto';
import type { ConsulOrigin, FoundConsul } from '../spec/support/consul-server/find-consul.ts';
import { paint, seconds } from './paint.ts';

const ORIGINS: { [origin in ConsulOrigin]: string } = {
  environment: 'given by CONSUL_HTTP_ADDR',
  binary: 'started for this demo',
  docker: 'started for this demo in Docker',
  debian: "started for this demo, from Debian's package",
};

/** Where the demo plays: names of its own in a Consul that others may use too. */
export class Stage {
  readonly lockKey: string;
  readonly prefix: string;
  readonly counterKey: string;
  readonly sessionName: string;
  readonly ttlMs: number;
  readonly #consul: FoundConsul;

  constructor(consul: FoundConsul) {
    const id = `demo-${randomUUID().slice(0, 8)}`;
    this.#consul = consul;
    this.lockKey = `${id}/turn`;
    this.prefix = `locks/ephemeral/${id}/`;
    this.counterKey = `${this.prefix}counter`;
    this.sessionName = `consul-lock ${id}`;
    // Consul's own lower bound is ten seconds; servers that we start have a lower one.
    this.ttlMs = consul.ownServer ? 2_000 : 10_000;
  }

  /** For how long a dead holder's lock stays taken at most: Consul ends a session between one and two TTLs. */
  get stuckMs(): number {
    return 2 * this.ttlMs;
  }

  /** Makes it the Consul of `consulFromEnv` in this process and its children. */
  enter(): void {
    if (this.#consul.ownServer) {
      // What is set for another server (a token, TLS) does not go with ours.
      for (const name of Object.keys(process.env)) if (name.startsWith('CONSUL_')) delete process.env[name];
    }
    process.env['CONSUL_HTTP_ADDR'] = this.#consul.address;
  }

  describe(): string {
    const { address, origin, ownServer } = this.#consul;
    // An address may carry a password.
    const shown = address.replace(/\/\/[^/@]*@/, '//***@');
    const lines = [
      `  consul    ${shown}, ${ORIGINS[origin]}`,
      `  lock      ${this.prefix}turn, TTL ${seconds(this.ttlMs)}`,
      `  counter   ${this.counterKey}, read and written under the lock`,
    ];
    if (!ownServer) {
      lines.push(
        paint(
          'yellow',
          `  This server is not ours, so the TTL is Consul's usual least: a dead holder's lock`,
        ),
        paint('yellow', `  stays taken for about ${seconds(this.stuckMs)}, and the demo takes longer.`),
      );
    }
    return lines.join('\n');
  }
}
