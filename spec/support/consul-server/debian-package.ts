import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { consulVersion } from './consul-binary.ts';
import { runCommand } from './run-command.ts';

// The last Debian release that carries a package of Consul.
const RELEASE_WITH_CONSUL = 'bullseye';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const ABANDONED_AFTER_MS = 3_600_000;

/** The path of an unpacked Consul in `folder`, fetched by `apt-get` unless it already lies there. */
export async function debianConsulBinary(folder: string, env: NodeJS.ProcessEnv): Promise<string> {
  const binary = join(folder, `consul-${process.platform}-${process.arch}`);
  if (existsSync(binary)) return binary;
  const mirrors = await machineMirrors(env);
  await mkdir(folder, { recursive: true });
  await removeAbandonedFetches(folder);

  const failures: string[] = [];
  const suites = [
    undefined,
    ...mirrors.map((mirror) => `deb ${signedBy()}${mirror} ${RELEASE_WITH_CONSUL} main\n`),
  ];
  for (const suite of suites) {
    // Everyone fetches into a folder of their own and renames the result, which is atomic: processes that
    // fetch at the same time do not disturb each other, and a fetch that was cut off leaves no binary.
    const workFolder = await mkdtemp(join(folder, 'fetch-'));
    try {
      const unpacked = await fetchPackage(workFolder, suite, env);
      await consulVersion(unpacked);
      await rename(unpacked, binary);
      return binary;
    } catch (error) {
      failures.push(
        `${suite === undefined ? "the machine's own suites" : suite.trim()}: ${(error as Error).message}`,
      );
    } finally {
      await rm(workFolder, { recursive: true, force: true });
    }
  }
  throw new Error(failures.join('; '));
}

async function machineMirrors(env: NodeJS.ProcessEnv): Promise<string[]> {
  const printed = await runCommand('apt-get', ['indextargets', '--format', '$(REPO_URI)'], { env });
  return [...new Set(printed.split('\n').filter(Boolean))];
}

function signedBy(): string {
  return existsSync(KEYRING) ? `[signed-by=${KEYRING}] ` : '';
}

async function fetchPackage(
  folder: string,
  suite: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const configFile = join(folder, 'apt.conf');
  const sourcesFile = join(folder, 'sources.list');
  for (const needed of ['state/lists/partial', 'cache/archives/partial']) {
    await mkdir(join(folder, needed), { recursive: true });
  }
  await writeFile(configFile, aptConfig(folder, suite === undefined ? undefined : sourcesFile));
  await writeFile(sourcesFile, suite ?? '');
  const apt = async (...args: string[]): Promise<string> =>
    await runCommand('apt-get', ['-q', '-c', configFile, ...args], {
      env: { ...env, LC_ALL: 'C' },
      cwd: folder,
      timeoutMs: 180_000,
    });
  let updateTrouble = '';
  // One broken source of many makes the update fail, and may have nothing to do with Consul.
  await apt('update').catch((error: Error) => (updateTrouble = ` (${error.message})`));
  await apt('download', 'consul').catch((error: Error) => {
    throw new Error(error.message + updateTrouble, { cause: error });
  });
  const archive = (await readdir(folder)).find((name) => name.endsWith('.deb'));
  if (archive === undefined) throw new Error('apt-get downloaded no package');
  await runCommand('dpkg-deb', ['-x', join(folder, archive), join(folder, 'root')], { env });
  return join(folder, 'root/usr/bin/consul');
}

/** Settings that let apt work beside the system's own, without its state, its hooks, or root. */
export function aptConfig(folder: string, sourcesFile: string | undefined): string {
  const settings = {
    'Dir::State': join(folder, 'state'),
    'Dir::State::lists': join(folder, 'state/lists'),
    'Dir::Cache': join(folder, 'cache'),
    'Acquire::Languages': 'none',
    'Acquire::Retries': '2',
    'APT::Sandbox::User': userInfo().username,
    ...(sourcesFile !== undefined && { 'Dir::Etc::sourcelist': sourcesFile, 'Dir::Etc::sourceparts': '-' }),
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}";`);
  return [...lines, '#clear APT::Update::Post-Invoke;', '#clear APT::Update::Post-Invoke-Success;', ''].join(
    '\n',
  );
}

async function removeAbandonedFetches(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith('fetch-')) continue;
    const { mtimeMs } = await stat(join(folder, name)).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > ABANDONED_AFTER_MS)
      await rm(join(folder, name), { recursive: true, force: true });
  }
}
