import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from '../../spec/support/consul-server/project-folder.ts';
import { runCommand } from '../../spec/support/consul-server/run-command.ts';
import type { ContestantName } from '../contestants/open-contestant.ts';
import type { BenchServer } from './bench-server.ts';
import { startEtcd } from './etcd-bench-server.ts';
import { startRedis } from './redis-bench-server.ts';

const INSTALLED_WITHIN_MS = 180_000;

export type Peers = Partial<Record<ContestantName, BenchServer>>;

/** The servers of other lock libraries; who cannot be had is left out, and `say` is told why. */
export async function startPeers(say: (line: string) => void): Promise<Peers> {
  try {
    await installClients();
  } catch (error) {
    say(`The peers are left out: ${firstLine(error)}`);
    return {};
  }
  const peers: Peers = {};
  for (const [name, start] of [
    ['redlock', startRedis],
    ['etcd3', startEtcd],
  ] as const) {
    try {
      peers[name] = await start();
    } catch (error) {
      say(`${name} is left out: ${firstLine(error)}`);
    }
  }
  return peers;
}

/** What bench/package.json asks for, unless it is there. */
async function installClients(): Promise<void> {
  const folder = join(projectFolder(), 'bench');
  const installed = join(folder, 'node_modules/.package-lock.json');
  const wanted = statSync(join(folder, 'package-lock.json')).mtimeMs;
  if (existsSync(installed) && statSync(installed).mtimeMs >= wanted) return;
  const quietly = ['--ignore-scripts', '--no-audit', '--no-fund'];
  await runCommand('npm', ['ci', '--prefix', folder, ...quietly], { timeoutMs: INSTALLED_WITHIN_MS });
}

function firstLine(error: unknown): string {
  return (error as Error).message.split('\n')[0]!;
}
