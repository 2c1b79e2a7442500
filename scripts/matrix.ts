/**
 * Every supported Node, with the fast specs, the contract on a real Consul and the packed package; and every supported
 * TypeScript, with strict programs that use the package. `--all` has each Node run all specs.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { PackedPackage } from './packed-package.ts';
import { compileConsumer, CONSUMERS } from './typed-consumers.ts';

const NODES = [20, 22, 24, 26];
const TYPESCRIPTS = [5.5, 5.8, 5.9, 6, 7];

const JEST = [
  '--experimental-vm-modules',
  '--disable-warning=ExperimentalWarning',
  'node_modules/jest/bin/jest.js',
];
const CONTRACT = ['spec/contract/', 'spec/consul/examples.spec.ts', 'spec/consul/process-life.spec.ts'];

const { values: asked } = parseArgs({ options: { all: { type: 'boolean', default: false } } });

interface Row {
  readonly what: string;
  readonly took: string;
  readonly result: string;
}

const rows: Row[] = [];

function measure(what: string, act: () => string): void {
  const began = performance.now();
  let result: string;
  try {
    result = act();
  } catch (error) {
    process.exitCode = 1;
    const { stdout, message } = error as Error & { stdout?: string };
    result = `FAILED: ${message}`;
    console.error(stdout ?? message);
  }
  const took = `${((performance.now() - began) / 1_000).toFixed(1)} s`;
  rows.push({ what, took, result });
  console.log(`${what}: ${result} (${took})`);
}

/** Fetched by npm into its cache; answers the path of the binary. */
function nodeOf(major: number): string {
  // From a folder of its own, so that no package of this project is taken for it.
  const folder = mkdtempSync(join(tmpdir(), 'consul-lock-node-'));
  const name = `node-${process.platform}-${process.arch}@${major}`;
  try {
    const path = run('npx', ['--yes', '--package', name, '--call', 'node -p process.execPath'], {
      cwd: folder,
    }).trim();
    const version = run(path, ['--version']).trim();
    if (!version.startsWith(`v${major}.`)) throw new Error(`${name} is ${version}`);
    return path;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(
  command: string,
  args: readonly string[],
  { cwd = process.cwd(), path = process.env['PATH'] }: { cwd?: string; path?: string | undefined } = {},
): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env: { ...process.env, PATH: path },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * 1_024 * 1_024,
  });
  if (error) throw error;
  if (status === 0) return stdout + stderr;
  throw Object.assign(new Error(`${command} ended with ${status}`), { stdout: stdout + stderr });
}

function specs(node: string, projects: readonly string[], paths: readonly string[] = []): string {
  // The fast ones wait more than they compute.
  const workers = projects.includes('consul') ? 2 : 4;
  const args = [...JEST, `--maxWorkers=${workers}`, '--selectProjects', ...projects];
  const chosen = paths.length > 0 ? ['--testPathPatterns', ...paths] : [];
  const printed = run(node, [...args, ...chosen], { path: `${dirname(node)}:${process.env['PATH']}` });
  const [, passed] = /^Tests:\s+(.*) total$/m.exec(printed) ?? [];
  if (passed === undefined || !passed.includes('passed')) throw new Error(`no specs were run: ${printed}`);
  return passed;
}

using packed = new PackedPackage();
for (const major of NODES) {
  let node = '';
  measure(`Node ${major}`, () => {
    node = nodeOf(major);
    return run(node, ['--version']).trim();
  });
  if (node === '') continue;
  if (asked.all) {
    measure(`Node ${major}, all specs`, () => specs(node, ['fast', 'properties', 'consul']));
  } else {
    measure(`Node ${major}, fast specs`, () => specs(node, ['fast']));
    measure(`Node ${major}, contract on a real Consul`, () => specs(node, ['consul'], CONTRACT));
  }
  measure(`Node ${major}, packed package`, () => packed.runPrograms(node).join(', '));
}

packed.install(
  '@types/node@20',
  ...TYPESCRIPTS.map((version) => `typescript-${version}@npm:typescript@${version}`),
);
for (const version of TYPESCRIPTS) {
  const tsc = join(packed.folder, `node_modules/typescript-${version}/bin/tsc`);
  for (const consumer of CONSUMERS) {
    if (version < consumer.since) continue;
    measure(`TypeScript ${version}, ${consumer.title}`, () => {
      compileConsumer(packed, tsc, consumer);
      return 'strict, no complaint';
    });
  }
}
console.table(rows);
