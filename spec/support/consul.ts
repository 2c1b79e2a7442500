import { describe } from '@jest/globals';
import { ConsulAgent, type ConsulAgentOptions } from './consul-server/consul-agent.ts';
import { consulUnderTest } from './consul-under-test.ts';

export { consulUnderTest, type ConsulUnderTest } from './consul-under-test.ts';

/** A suite that needs a server of ours, for TTLs below Consul's usual ten seconds; else reported as skipped. */
export function describeWithOwnServer(name: string, suite: () => void): void {
  (consulUnderTest().ownServer ? describe : describe.skip)(name, suite);
}

/** A suite that starts agents of its own, for faults, ACLs or clusters; reported as skipped without a binary. */
export function describeWithOwnAgents(name: string, suite: () => void): void {
  (consulUnderTest().binary === undefined ? describe.skip : describe)(name, suite);
}

/** An agent beside the shared server, for one suite that may treat it badly. */
export async function startAgent(options: Omit<ConsulAgentOptions, 'binary'> = {}): Promise<ConsulAgent> {
  const { binary } = consulUnderTest();
  if (binary === undefined)
    throw new Error('There is no binary to start an agent: use describeWithOwnAgents.');
  return await ConsulAgent.start({ ...options, binary });
}
