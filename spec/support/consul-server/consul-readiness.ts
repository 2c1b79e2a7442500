import { consulRequest, type ConsulRequestOptions } from './consul-request.ts';
import { until } from './until.ts';

interface HealthCheck {
  readonly CheckID: string;
  readonly Status: string;
}

/** Rejects, and says why, when the server at `address` does not know a leader in time. */
export async function waitForLeader(
  address: string,
  options: ConsulRequestOptions & { readonly deadlineMs: number },
): Promise<void> {
  let trouble = '';
  await until(
    async () => {
      try {
        return await knowsLeader(address, options);
      } catch (error) {
        trouble = `: ${(error as Error).message}`;
        return false;
      }
    },
    { timeoutMs: options.deadlineMs, describe: () => `Consul at ${address} knows no leader${trouble}` },
  );
}

export async function knowsLeader(address: string, options: ConsulRequestOptions = {}): Promise<boolean> {
  const { status, text } = await consulRequest(address, '/v1/status/leader', options);
  if (status !== 200) throw new Error(`it answers ${status} ${text.trim()}`);
  return text.trim() !== '""';
}

/** Whether `node` is the one that answers: another agent may have taken the port before it. */
export async function servesNode(
  address: string,
  node: string,
  options: ConsulRequestOptions,
): Promise<boolean> {
  const { status, text } = await consulRequest(address, '/v1/agent/self', options);
  // Before it has a leader, an agent with ACLs does not tell who it is.
  if (status !== 200) return true;
  const { Config } = JSON.parse(text) as { readonly Config: { readonly NodeName: string } };
  return Config.NodeName === node;
}

/** Whether a session with the default checks can be created for the node: its serfHealth check passes. */
export async function nodeIsHealthy(
  address: string,
  node: string,
  options: ConsulRequestOptions,
): Promise<boolean> {
  const { status, text } = await consulRequest(address, `/v1/health/node/${node}`, options);
  if (status !== 200) return false;
  const checks = JSON.parse(text) as HealthCheck[];
  return checks.some((check) => check.CheckID === 'serfHealth' && check.Status === 'passing');
}
