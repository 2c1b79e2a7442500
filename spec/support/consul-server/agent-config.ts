import { isAtLeast, type ConsulVersion } from './consul-binary.ts';

export const LOOPBACK = '127.0.0.1';

export interface AgentPorts {
  readonly http: number;
  readonly server: number;
  readonly serfLan: number;
}

export interface ConsulAgentOptions {
  readonly binary: string;
  /**
   * `dev` keeps its data in memory and forgets it at a restart, `server` keeps it in a folder, `client`
   * holds none and passes requests on to the servers that it joins.
   *
   * @default 'dev'
   */
  readonly mode?: 'dev' | 'server' | 'client';
  /** Agents of the datacenter to be joined. */
  readonly join?: readonly { readonly serfAddress: string }[];
  /** How many servers the datacenter waits for, in mode `server`. @default 1 */
  readonly bootstrapExpect?: number;
  /** @default '127.0.0.1' */
  readonly bindAddress?: string;
  /** @default '100ms' */
  readonly sessionTtlMin?: string;
  /** Switches ACLs on, with `default_policy` deny, and makes this the token that may do everything. */
  readonly managementToken?: string;
  /** More configuration, in Consul's own words; wins over ours. */
  readonly config?: Record<string, unknown>;
  /** @default 20_000 */
  readonly readyWithinMs?: number;
  /** @default freePorts */
  readonly choosePorts?: (count: number, host: string) => Promise<number[]>;
}

/** The agent's configuration file, in words that the given version and all later ones understand. */
export function agentConfig(
  node: string,
  options: ConsulAgentOptions,
  ports: AgentPorts,
  dataFolder: string,
  version: ConsulVersion,
): Record<string, unknown> {
  const { mode = 'dev', bindAddress = LOOPBACK, join = [], managementToken } = options;
  return {
    node_name: node,
    bind_addr: bindAddress,
    client_addr: bindAddress,
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
    ...(mode !== 'client' && { session_ttl_min: options.sessionTtlMin ?? '100ms' }),
    ...(mode !== 'dev' && { data_dir: dataFolder, server: mode === 'server' }),
    ...(mode === 'server' && {
      bootstrap_expect: options.bootstrapExpect ?? 1,
      performance: { raft_multiplier: 1 },
    }),
    ...(join.length > 0 && { retry_join: join.map((agent) => agent.serfAddress), retry_interval: '250ms' }),
    ...(managementToken !== undefined && { acl: aclConfig(managementToken, version) }),
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
