/**
 * Packs the package, installs it in an empty folder and uses it as a stranger would: by import, by require, by its
 * command, with types.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const project = process.cwd();
const folder = mkdtempSync(join(tmpdir(), 'consul-lock-smoke-'));

const ALLOWED = /^(dist\/[\w/-]+\.(js|js\.map|d\.ts)|package\.json|README\.md|CHANGELOG\.md|LICENSE)$/;

const COMMON = `
  const fake = new FakeConsul();
  const lock = new EphemeralLock('smoke', { consulClient: fake });
  const token = await lock.hold((handle) => handle.fencingToken);
  if (!(token > 0)) throw new Error('no token');
  const held = await lock.acquire();
  if ((await lock.tryAcquire()) !== null) throw new Error('two holders');
  if ((await held.release()) !== true) throw new Error('not released');
`;

const IMPORTING = `
  import { createRequire } from 'node:module';
  import { EphemeralLock } from 'consul-lock';
  import { FakeConsul } from 'consul-lock/testing';
  ${COMMON}
  const required = createRequire(import.meta.url)('consul-lock');
  if (required.EphemeralLock !== EphemeralLock) throw new Error('import and require give two classes');
`;

const REQUIRING = `
  const { EphemeralLock } = require('consul-lock');
  const { FakeConsul } = require('consul-lock/testing');
  (async () => { ${COMMON} })();
`;

const DISPOSING = `
  import { EphemeralLock } from 'consul-lock';
  import { FakeConsul } from 'consul-lock/testing';
  const fake = new FakeConsul();
  { await using handle = await new EphemeralLock('smoke', { consulClient: fake }).acquire(); handle.assertHeld(); }
  if (fake.keys().length > 0) throw new Error('await using released nothing');
`;

const TYPED = `
  import Consul from 'consul';
  import { pino } from 'pino';
  import { configure, EphemeralLock, LockLostError } from 'consul-lock';
  import type { AcquireOptions, LockHandle, LockInfo, LockOptions } from 'consul-lock';
  import { FakeConsul } from 'consul-lock/testing';

  configure({ consulClient: new Consul(), logger: pino(), renew: { maxHoldMs: 60_000 } });
  const options: LockOptions = { consulClient: new FakeConsul(), lockTimeoutMs: 30_000 };
  const lock = new EphemeralLock(['a', 'b'], options);
  const call: AcquireOptions = { acquireTimeoutMs: 5_000, signal: AbortSignal.timeout(1_000) };
  const certain: LockHandle = await lock.acquire({ acquireTimeoutMs: 5_000 });
  const perhaps: LockHandle | null = await lock.tryAcquire(call);
  const length: number = await lock.hold((handle) => handle.keys.length);
  await using disposed = await lock.tryAcquire();
  export const info: Partial<LockInfo> = { fencingToken: certain.fencingToken + length };
  export { disposed, LockLostError, perhaps };
`;

function run(command: string, args: readonly string[], cwd = folder): string {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

function install(what: string): void {
  run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel', 'error', what]);
}

function runAsModule(name: string, source: string): void {
  writeFileSync(join(folder, name), source);
  run(process.execPath, [name]);
  console.log(`${name}: fine`);
}

try {
  const packed = JSON.parse(
    run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], project),
  ) as {
    filename: string;
    files: { path: string }[];
  }[];
  // A list in older versions of npm, by name in newer ones.
  const [tarball] = Object.values(packed);
  if (!tarball) throw new Error('npm pack packed nothing');
  const stray = tarball.files.map(({ path }) => path).filter((path) => !ALLOWED.test(path));
  if (stray.length > 0) throw new Error(`nobody needs in the package: ${stray.join(', ')}`);
  console.log(`${tarball.filename}: ${tarball.files.length} files`);

  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "commonjs" }');
  install(join(folder, tarball.filename));
  runAsModule('importing.mjs', IMPORTING);
  runAsModule('requiring.cjs', REQUIRING);
  if (Number(process.versions.node.split('.')[0]) >= 24) runAsModule('disposing.mjs', DISPOSING);

  const help = run(join(folder, 'node_modules/.bin/consul-lock'), ['--help']);
  if (!help.includes('consul-lock run <key>')) throw new Error(`the command does not help: ${help}`);
  const { version } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as { version: string };
  const told = run('npx', ['--no-install', 'consul-lock', '--version']).trim();
  if (told !== version) throw new Error(`the command is of version ${told}`);
  const command = readFileSync(join(folder, 'node_modules/consul-lock/dist/cli.js'), 'utf8');
  if (/class EphemeralLock\b/.test(command)) throw new Error('the command has a package of its own');
  console.log('consul-lock --help: fine');

  install('@types/node@20');
  writeFileSync(join(folder, 'typed.mts'), TYPED);
  const strict = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--skipLibCheck', 'false'];
  const target = ['--target', 'es2022', '--module', 'nodenext', '--types', 'node'];
  run(join(project, 'node_modules/.bin/tsc'), [...strict, ...target, 'typed.mts']);
  console.log('typed.mts: fine');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
