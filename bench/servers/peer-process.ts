import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from '../../spec/support/consul-server/project-folder.ts';
import { runCommand } from '../../spec/support/consul-server/run-command.ts';
import {
  createTemporaryFolder,
  removeTemporaryFolder,
} from '../../spec/support/consul-server/temporary-folder.ts';
import { spawnTethered } from '../../spec/support/consul-server/tethered-process.ts';
import { until } from '../../spec/support/consul-server/until.ts';
import { unpackedProgram, type Unpacked } from './debian-packages.ts';

const READY_WITHIN_MS = 20_000;

export interface PeerProgram {
  readonly program: string;
  /** In Debian. */
  readonly packageName: string;
  /** Its data belongs into `folder`. */
  readonly args: (folder: string) => readonly string[];
  readonly isReady: () => Promise<boolean>;
}

/** A server of somebody else's, with its data in a temporary folder that ends with it. */
export class PeerProcess {
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child;
    this.#folder = folder;
  }

  static async start({ program, packageName, args, isReady }: PeerProgram): Promise<PeerProcess> {
    const { file, args: before } = await findProgram(program, packageName);
    const folder = await createTemporaryFolder();
    const log = join(folder, 'output.log');
    const output = openSync(log, 'w');
    const child = await spawnTethered(file, [...before, ...args(folder)], output);
    closeSync(output);
    const started = new PeerProcess(child, folder);
    try {
      const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
      const described = { timeoutMs: READY_WITHIN_MS, describe: () => `${program} is not ready` };
      await until(async () => hasEnded() || (await isReady().catch(() => false)), described);
      if (hasEnded()) throw new Error(`${program} ended: ${readFileSync(log, 'utf8').trim().slice(-300)}`);
      return started;
    } catch (error) {
      await started.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.ref();
      const exit = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await exit;
    }
    await removeTemporaryFolder(this.#folder);
  }
}

/** The one on the PATH, or else that of Debian's package. */
async function findProgram(program: string, packageName: string): Promise<Unpacked> {
  const isInstalled = await runCommand(program, ['--version']).then(
    () => true,
    () => false,
  );
  if (isInstalled) return { file: program, args: [] };
  return await unpackedProgram(packageName, program, join(projectFolder(), 'bench/.servers'));
}
