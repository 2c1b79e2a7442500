import { ConsulAgent } from '../../spec/support/consul-server/consul-agent.ts';
import { consulRequest } from '../../spec/support/consul-server/consul-request.ts';
import { findConsulBinary } from '../../spec/support/consul-server/find-consul.ts';
import type { BenchServer } from './bench-server.ts';
import { whenQuiet } from './when-quiet.ts';

/** One server with its data on disk and Consul's own limits. */
export class ConsulBenchServer implements BenchServer {
  readonly #agent: ConsulAgent;
  readonly version: string;

  private constructor(agent: ConsulAgent, version: string) {
    this.#agent = agent;
    this.version = version;
  }

  static async start(): Promise<ConsulBenchServer> {
    const binary = await findConsulBinary();
    // Consul writes down the coordinates of its nodes now and then: the only entries that are not the contestants'.
    const agent = await ConsulAgent.start({ binary, mode: 'server', config: { disable_coordinates: true } });
    try {
      const { Config } = await self<{ readonly Config: { readonly Version: string } }>(agent.address);
      return new ConsulBenchServer(agent, Config.Version);
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
    const { Stats } = await self<{ readonly Stats: { readonly raft: { readonly last_log_index: string } } }>(
      this.address,
    );
    return Number(Stats.raft.last_log_index);
  }

  async requests(): Promise<undefined> {
    return undefined;
  }

  async settled(): Promise<void> {
    await whenQuiet(async () => await this.entries());
  }

  async stop(): Promise<void> {
    await this.#agent.stop();
  }
}

async function self<T>(address: string): Promise<T> {
  const { status, text } = await consulRequest(address, '/v1/agent/self', { timeoutMs: 20_000 });
  if (status !== 200) throw new Error(`Consul answers ${status} ${text.trim()}`);
  return JSON.parse(text) as T;
}
