import { randomUUID } from 'node:crypto';
import { downAll, port, upAll, type IDockerComposeOptions } from 'docker-compose';
import { waitForLeader } from './consul-readiness.ts';
import { projectFolder } from './project-folder.ts';
import { runCommand } from './run-command.ts';

export interface ConsulInDocker {
  readonly address: string;
  stop(): Promise<void>;
}

/** Starts the service of compose.yaml under a project name of its own. */
export async function startConsulInDocker(env: NodeJS.ProcessEnv): Promise<ConsulInDocker> {
  // Several times faster than Compose in finding out that there is no engine.
  await runCommand('docker', ['version', '--format', '{{.Server.Version}}'], { env });
  const project: IDockerComposeOptions = {
    cwd: projectFolder(),
    composeOptions: [['-p', `consul-lock-${randomUUID().slice(0, 8)}`]],
    env,
  };
  const stop = async (): Promise<void> => {
    await readably(downAll({ ...project, commandOptions: ['--volumes', ['--timeout', '1']] }));
  };
  try {
    await readably(upAll({ ...project, commandOptions: ['--wait'] }));
    const { data } = await readably(port('consul', 8500, project));
    const address = `127.0.0.1:${data.port}`;
    await waitForLeader(address, { deadlineMs: 10_000 });
    return { address, stop };
  } catch (error) {
    await stop().catch(() => {});
    throw error;
  }
}

/** docker-compose rejects with a plain object when the command ran and failed. */
async function readably<T>(command: Promise<T>): Promise<T> {
  try {
    return await command;
  } catch (reason) {
    if (reason instanceof Error) throw reason;
    const { err, exitCode } = reason as { readonly err: string; readonly exitCode: number };
    const complaint = err.trim().split('\n')[0] || `exit code ${exitCode}`;
    throw new Error(`docker compose failed: ${complaint}`, { cause: reason });
  }
}
