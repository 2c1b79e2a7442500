import { ConsulAgent } from '../../spec/support/consul-server/consul-agent.ts';
import { findConsulBinary } from '../../spec/support/consul-server/find-consul.ts';
import { RawConsul } from '../contestants/raw-consul.ts';
import type { BenchServer } from './bench-server.ts';
import { whenQuiet } from './when-quiet.ts';

interface Self {
  readonly Config: { readonly Version: string };
  readonly Stats: { readonly raft: { readonly last_log_index: string } };
}

/** One server with its data on disk and Consul's own limits. */
export class ConsulBenchServer implements BenchServer {
  readonly #agent: ConsulAgent;
  // Kept open: a contestant may use up all the connections that Consul allows us.
  readonly #connection: RawConsul;
  readonly version: string;
  readonly ownConnections = 1;

  private constructor(agent: ConsulAgent, connection: RawConsul, version: string) {
    this.#agent = agent;
    this.#connection = connection;
    this.version = version;
  }

  static async start(): Promise<ConsulBenchServer> {
    const binary = await findConsulBinary();
    // Fewer entries that are not the contestants': a barrier every minute and Consul's own registration remain.
    const agent = await ConsulAgent.start({ binary, mode: 'server', config: { disable_coordinates: true } });
    try {
      const connection = new RawConsul(agent.address);
      return new ConsulBenchServer(agent, connection, (await self(connection)).Config.Version);
    } catch (error) {
      await agent.stop();
      throw error;
    }
  }

  get address(): string {
    return this.#agent.address;
  }

  get port(): number {
    return this.#agent.port;
  }

  async entries(): Promise<number> {
    return Number((await self(this.#connection)).Stats.raft.last_log_index);
  }

  async requests(): Promise<undefined> {
    return undefined;
  }

  async settled(): Promise<void> {
    await whenQuiet(async () => await this.entries());
  }

  async stop(): Promise<void> {
    this.#connection.close();
    await this.#agent.stop();
  }
}

async function self(connection: RawConsul): Promise<Self> {
  const { status, text } = await connection.send('GET', '/v1/agent/self');
  if (status !== 200) throw new Error(`Consul answers ${status} ${text.trim()}`);
  return JSON.parse(text) as Self;
}
