import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { runCommand } from './run-command.ts';

export interface ConsulVersion {
  readonly major: number;
  readonly minor: number;
}

/** Runs the binary, which also proves that it is Consul and made for this machine. */
export async function consulVersion(binary: string): Promise<ConsulVersion> {
  const printed = await runCommand(binary, ['version']);
  const match = /^Consul v(\d+)\.(\d+)\./m.exec(printed);
  if (!match) throw new Error(`${binary} is not Consul: it calls itself ${printed.split('\n')[0]}`);
  return { major: Number(match[1]), minor: Number(match[2]) };
}

export function isAtLeast(version: ConsulVersion, major: number, minor: number): boolean {
  return version.major > major || (version.major === major && version.minor >= minor);
}

/** The binary that `CONSUL_BIN` names, or else the `consul` on the PATH; `undefined` when there is neither. */
export async function installedConsulBinary(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const named = env['CONSUL_BIN'];
  if (named) {
    try {
      await consulVersion(named);
    } catch (error) {
      throw new Error(`CONSUL_BIN is ${named}, which does not run as Consul: ${(error as Error).message}`, {
        cause: error,
      });
    }
    return named;
  }
  for (const folder of (env['PATH'] ?? '').split(delimiter).filter(Boolean)) {
    const candidate = join(folder, 'consul');
    try {
      await access(candidate, constants.X_OK);
      await consulVersion(candidate);
      return candidate;
    } catch {
      continue;
    }
  }
  return undefined;
}
