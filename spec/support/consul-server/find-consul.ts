import { join } from 'node:path';
import { ConsulAgent } from './consul-agent.ts';
import { installedConsulBinary } from './consul-binary.ts';
import { waitForLeader } from './consul-readiness.ts';
import { debianConsulBinary } from './debian-package.ts';
import { startConsulInDocker } from './docker.ts';
import { projectFolder } from './project-folder.ts';

export type ConsulOrigin = 'environment' | 'binary' | 'docker' | 'debian';

export interface FoundConsul extends AsyncDisposable {
  /** `host:port`; with origin `environment` whatever `CONSUL_HTTP_ADDR` holds. */
  readonly address: string;
  readonly origin: ConsulOrigin;
  /** Whether we started the server, which then grants TTLs from 100 ms. */
  readonly ownServer: boolean;
  /** What agents of one's own can be started with. */
  readonly binary?: string;
  stop(): Promise<void>;
}

export interface FindConsulOptions {
  /** @default process.env */
  readonly env?: NodeJS.ProcessEnv;
  /** Where a fetched binary is kept. @default '.consul' in the project's folder */
  readonly folder?: string;
  /** How long `CONSUL_HTTP_ADDR` has for an answer. @default 5_000 */
  readonly answerWithinMs?: number;
}

/** A Consul for the specs: a given one, or one that we start by the first means at hand. */
export async function findConsul(options: FindConsulOptions = {}): Promise<FoundConsul> {
  const { env, folder, answerWithinMs } = withDefaults(options);
  const given = env['CONSUL_HTTP_ADDR'];
  if (given) return await givenServer(given, env, answerWithinMs);

  const installed = await installedConsulBinary(env);
  if (installed !== undefined) return await startedServer(installed, 'binary');
  const tried = ['CONSUL_HTTP_ADDR: not set', 'CONSUL_BIN: not set', 'consul on the PATH: not there'];

  try {
    const docker = await startConsulInDocker(env);
    return found({ ...docker, origin: 'docker', ownServer: true });
  } catch (error) {
    tried.push(`Docker Compose: ${(error as Error).message}`);
  }
  try {
    return await startedServer(await debianConsulBinary(folder, env), 'debian');
  } catch (error) {
    throw nothingFound([...tried, `Debian's package consul: ${(error as Error).message}`]);
  }
}

/** A binary for specs that start agents of their own. */
export async function findConsulBinary(options: FindConsulOptions = {}): Promise<string> {
  const { env, folder } = withDefaults(options);
  const installed = await installedConsulBinary(env);
  if (installed !== undefined) return installed;
  const tried = ['CONSUL_BIN: not set', 'consul on the PATH: not there'];
  try {
    return await debianConsulBinary(folder, env);
  } catch (error) {
    throw nothingFound([...tried, `Debian's package consul: ${(error as Error).message}`]);
  }
}

function withDefaults(options: FindConsulOptions): Required<FindConsulOptions> {
  return { env: process.env, folder: join(projectFolder(), '.consul'), answerWithinMs: 5_000, ...options };
}

async function givenServer(
  address: string,
  env: NodeJS.ProcessEnv,
  deadlineMs: number,
): Promise<FoundConsul> {
  try {
    await waitForLeader(address, { deadlineMs, env });
  } catch (error) {
    throw new Error(
      `CONSUL_HTTP_ADDR is set, but of no use: ${(error as Error).message}. Correct it, or unset it to have a server started.`,
      { cause: error },
    );
  }
  return found({ address, origin: 'environment', ownServer: false, stop: async () => {} });
}

async function startedServer(binary: string, origin: ConsulOrigin): Promise<FoundConsul> {
  const agent = await ConsulAgent.start({ binary });
  return found({
    address: agent.address,
    origin,
    ownServer: true,
    binary,
    stop: async () => await agent.stop(),
  });
}

function found(consul: Omit<FoundConsul, typeof Symbol.asyncDispose>): FoundConsul {
  return { ...consul, [Symbol.asyncDispose]: async () => await consul.stop() };
}

function nothingFound(tried: readonly string[]): Error {
  return new Error(
    [
      'There is no Consul to be had here. Tried:',
      ...tried.map((line) => `  - ${line}`),
      'Do one of these: install Consul (https://developer.hashicorp.com/consul/install) so that `consul` is on',
      'the PATH, or name the binary in CONSUL_BIN; start a Docker engine with the Compose plugin; or set',
      'CONSUL_HTTP_ADDR to a Consul server that may be used for tests.',
    ].join('\n'),
  );
}
