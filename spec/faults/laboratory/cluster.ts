import { ConsulAgent } from '../../support/consul-server/consul-agent.ts';
import { consulRequest } from '../../support/consul-server/consul-request.ts';
import { until } from '../../support/consul-server/until.ts';

export type AgentName = 'server-0' | 'server-1' | 'server-2' | 'agent';
export const SERVERS = ['server-0', 'server-1', 'server-2'] as const;
export const AGENTS = [...SERVERS, 'agent'] as const;

interface AutopilotHealth {
  readonly Healthy: boolean;
  readonly Servers: readonly { readonly Voter: boolean; readonly Healthy: boolean }[] | null;
}

/** Three servers with their data on disk, and a client agent. */
export class Cluster implements AsyncDisposable {
  readonly agents: Readonly<Record<AgentName, ConsulAgent>>;

  private constructor(agents: Record<AgentName, ConsulAgent>) {
    this.agents = agents;
  }

  static async start(binary: string): Promise<Cluster> {
    const options = {
      binary,
      readyWithinMs: 60_000,
      // A dead server's sessions would end with it.
      config: { autopilot: { cleanup_dead_servers: false } },
    };
    const server = { ...options, mode: 'server', bootstrapExpect: SERVERS.length } as const;
    const started: ConsulAgent[] = [];
    const launch = async (others: Parameters<typeof ConsulAgent.launch>[0]): Promise<ConsulAgent> => {
      const agent = await ConsulAgent.launch(others);
      started.push(agent);
      return agent;
    };
    try {
      const first = await launch(server);
      const second = await launch({ ...server, join: [first] });
      const third = await launch({ ...server, join: [first, second] });
      const join = [first, second, third];
      await Promise.all(join.map(async (agent) => await agent.ready()));
      const agent = await launch({ binary, mode: 'client', join, readyWithinMs: 60_000 });
      await agent.ready();
      const cluster = new Cluster({ 'server-0': first, 'server-1': second, 'server-2': third, agent });
      await cluster.healthy();
      return cluster;
    } catch (error) {
      await Promise.all(started.map(async (agent) => await agent.stop()));
      throw error;
    }
  }

  /** Resolves when every server runs, votes and is healthy: only then one of them may be taken away. */
  async healthy(withinMs = 90_000): Promise<void> {
    let last = 'nothing';
    await until(
      async () => {
        for (const name of SERVERS) {
          const { text } = await this.ask(name, '/v1/operator/autopilot/health').catch((error: unknown) => ({
            text: JSON.stringify(String(error)),
          }));
          last = text;
          if (isHealthy(text)) return true;
        }
        return false;
      },
      { timeoutMs: withinMs, intervalMs: 200, describe: () => `the cluster is not healthy: ${last}` },
    );
  }

  /** The server that leads, as the one that answers knows it. */
  async leader(): Promise<AgentName> {
    return await until(
      async () => {
        for (const name of SERVERS) {
          const { text } = await this.ask(name, '/v1/operator/raft/configuration').catch(() => ({
            text: '',
          }));
          const leader = SERVERS.find((server) => leaderIn(text) === this.agents[server].node);
          if (leader) return leader;
        }
        return undefined;
      },
      { timeoutMs: 60_000, intervalMs: 200, describe: () => 'nobody leads' },
    );
  }

  /** One request of an outsider, at one of the agents. */
  async ask(
    name: AgentName,
    path: string,
    options: { method?: 'GET' | 'PUT'; body?: string; timeoutMs?: number } = {},
  ): Promise<{ status: number; text: string }> {
    return await consulRequest(this.agents[name].address, path, { timeoutMs: 3_000, ...options });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Object.values(this.agents).map(async (agent) => await agent.stop()));
  }
}

function isHealthy(text: string): boolean {
  try {
    const { Healthy, Servers } = JSON.parse(text) as AutopilotHealth;
    return (
      Healthy &&
      Servers?.length === SERVERS.length &&
      Servers.every((server) => server.Voter && server.Healthy)
    );
  } catch {
    return false;
  }
}

function leaderIn(text: string): string | undefined {
  try {
    const { Servers } = JSON.parse(text) as { Servers: readonly { Node: string; Leader: boolean }[] };
    return Servers.find(({ Leader }) => Leader)?.Node;
  } catch {
    return undefined;
  }
}
