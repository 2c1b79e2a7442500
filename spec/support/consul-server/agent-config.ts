import { isAtLeast, type ConsulVersion } from './consul-binary.ts';

export interface AgentPorts {
  readonly http: number;
  readonly server: number;
  readonly serfLan: number;
}

export interface AgentDescription {
  readonly mode: 'dev' | 'server' | 'client';
  readonly node: string;
  readonly bindAddress: string;
  readonly sessionTtlMin: string;
  readonly bootstrapExpect: number;
  readonly join: readonly string[];
  readonly managementToken?: string | undefined;
}

/** The agent's configuration file, in words that the given version and all later ones understand. */
export function agentConfig(
  agent: AgentDescription,
  ports: AgentPorts,
  dataFolder: string,
  version: ConsulVersion,
): Record<string, unknown> {
  return {
    node_name: agent.node,
    bind_addr: agent.bindAddress,
    client_addr: agent.bindAddress,
    ports: {
      http: ports.http,
      server: ports.server,
      serf_lan: ports.serfLan,
      serf_wan: -1,
      dns: -1,
      grpc: -1,
      ...(isAtLeast(version, 1, 14) && { grpc_tls: -1 }),
    },
    log_level: 'info',
    disable_update_check: true,
    ...(agent.mode !== 'client' && { session_ttl_min: agent.sessionTtlMin }),
    ...(agent.mode !== 'dev' && { data_dir: dataFolder, server: agent.mode === 'server' }),
    ...(agent.mode === 'server' && {
      bootstrap_expect: agent.bootstrapExpect,
      performance: { raft_multiplier: 1 },
    }),
    ...(agent.join.length > 0 && { retry_join: agent.join, retry_interval: '250ms' }),
    ...(agent.managementToken !== undefined && { acl: aclConfig(agent.managementToken, version) }),
  };
}

function aclConfig(token: string, version: ConsulVersion): Record<string, unknown> {
  return {
    enabled: true,
    default_policy: 'deny',
    tokens: {
      [isAtLeast(version, 1, 11) ? 'initial_management' : 'master']: token,
      agent: token,
    },
  };
}
