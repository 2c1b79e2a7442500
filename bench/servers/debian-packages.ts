import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { aptConfig } from '../../spec/support/consul-server/debian-package.ts';
import { runCommand } from '../../spec/support/consul-server/run-command.ts';

/** A program out of a Debian package, which runs without being installed. */
export interface Unpacked {
  readonly file: string;
  /** What has to stand before its own arguments. */
  readonly args: readonly string[];
}

/** Unpacks a package and those that it needs and that this machine lacks; unless it lies in `folder` already. */
export async function unpackedProgram(
  name: string,
  program: string,
  folder: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Unpacked> {
  const root = join(folder, `${name}-${process.platform}-${process.arch}`);
  if (!existsSync(root)) await fetch(name, folder, root, env);
  const libraries = (
    await readdir(join(root, 'usr/lib'), { recursive: true, withFileTypes: true }).catch(() => [])
  )
    .filter((entry) => entry.name.includes('.so'))
    .map((entry) => entry.parentPath);
  const path = [...new Set(libraries)].join(':');
  return { file: 'env', args: [`LD_LIBRARY_PATH=${path}`, join(root, 'usr/bin', program)] };
}

async function fetch(name: string, folder: string, root: string, env: NodeJS.ProcessEnv): Promise<void> {
  await mkdir(folder, { recursive: true });
  const workFolder = await mkdtemp(join(folder, 'fetch-'));
  try {
    for (const needed of ['state/lists/partial', 'cache/archives/partial', 'root']) {
      await mkdir(join(workFolder, needed), { recursive: true });
    }
    const configFile = join(workFolder, 'apt.conf');
    await writeFile(configFile, aptConfig(workFolder, undefined));
    const apt = async (...args: string[]): Promise<string> =>
      await runCommand('apt-get', ['-q', '-c', configFile, ...args], {
        env: { ...env, LC_ALL: 'C' },
        cwd: workFolder,
        timeoutMs: 180_000,
      });
    // One broken source of many may have nothing to do with this package.
    await apt('update').catch(() => '');
    // Nothing is installed, so the system's own lock is not needed, nor root.
    const only = ['--download-only', '--yes', '--no-install-recommends', '-o', 'Debug::NoLocking=true'];
    await apt('install', ...only, name);
    const archives = join(workFolder, 'cache/archives');
    for (const archive of (await readdir(archives)).filter((file) => file.endsWith('.deb'))) {
      await runCommand('dpkg-deb', ['-x', join(archives, archive), join(workFolder, 'root')], { env });
    }
    await rename(join(workFolder, 'root'), root);
  } finally {
    await rm(workFolder, { recursive: true, force: true });
  }
}
