import { setTimeout as pause } from 'node:timers/promises';
import type { ServerFault } from '../history/facts.ts';
import { SERVERS, type AgentName, type Cluster } from './cluster.ts';
import type { FaultLog } from './fault-log.ts';
import type { Step } from './plan.ts';

/** One fault of a server or of the client agent; over when the cluster is healthy again. */
export async function inflictOnServer(
  { fault, durationMs, aim }: Step<ServerFault>,
  cluster: Cluster,
  log: FaultLog,
): Promise<void> {
  const leader = await cluster.leader();
  const followers = SERVERS.filter((name) => name !== leader);
  const follower = followers[Math.floor(aim * followers.length)]!;
  const target: AgentName = fault.startsWith('leader') ? leader : fault === 'agent-stop' ? 'agent' : follower;
  const agent = cluster.agents[target];
  await log.during(fault, target, `${durationMs} ms`, async () => {
    if (fault.endsWith('-kill')) {
      await agent.kill();
      await pause(durationMs);
      await agent.restart();
    } else {
      await agent.freeze();
      await pause(durationMs);
      agent.thaw();
    }
    await cluster.healthy();
  });
}
