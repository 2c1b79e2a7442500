import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const project = process.cwd();

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

const PROGRAMS: readonly { readonly name: string; readonly source: string; readonly fromNode: number }[] = [
  {
    name: 'importing.mjs',
    fromNode: 20,
    source: `
      import { createRequire } from 'node:module';
      import { EphemeralLock } from 'consul-lock';
      import { FakeConsul } from 'consul-lock/testing';
      ${COMMON}
      const required = createRequire(import.meta.url)('consul-lock');
      if (required.EphemeralLock !== EphemeralLock) throw new Error('import and require give two classes');
    `,
  },
  {
    name: 'requiring.cjs',
    fromNode: 20,
    source: `
      const { EphemeralLock } = require('consul-lock');
      const { FakeConsul } = require('consul-lock/testing');
      (async () => { ${COMMON} })();
    `,
  },
  {
    name: 'disposing.mjs',
    fromNode: 24,
    source: `
      import { EphemeralLock } from 'consul-lock';
      import { FakeConsul } from 'consul-lock/testing';
      const fake = new FakeConsul();
      { await using handle = await new EphemeralLock('smoke', { consulClient: fake }).acquire(); handle.assertHeld(); }
      if (fake.keys().length > 0) throw new Error('await using released nothing');
    `,
  },
];

/** The packed package, installed in an empty folder as a stranger would do it. */
export class PackedPackage implements Disposable {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'consul-lock-packed-'));
  readonly name: string;
  readonly fileCount: number;

  constructor() {
    try {
      const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', this.folder];
      const packed = JSON.parse(this.run('npm', pack, project)) as {
        filename: string;
        files: { path: string }[];
      }[];
      // A list in older versions of npm, by name in newer ones.
      const [tarball] = Object.values(packed);
      if (!tarball) throw new Error('npm pack packed nothing');
      const stray = tarball.files.map(({ path }) => path).filter((path) => !ALLOWED.test(path));
      if (stray.length > 0) throw new Error(`nobody needs in the package: ${stray.join(', ')}`);
      this.name = tarball.filename;
      this.fileCount = tarball.files.length;
      writeFileSync(join(this.folder, 'package.json'), '{ "private": true, "type": "commonjs" }');
      this.install(join(this.folder, this.name));
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** The programs that this Node can run, each run; the answer has their names. */
  runPrograms(node: string = process.execPath): string[] {
    const major = Number(this.run(node, ['-p', 'process.versions.node.split(".")[0]']));
    const programs = PROGRAMS.filter(({ fromNode }) => major >= fromNode);
    for (const { name, source } of programs) {
      this.write(name, source);
      this.run(node, [name]);
    }
    const help = this.run(node, ['node_modules/consul-lock/dist/cli.js', '--help']);
    if (!help.includes('consul-lock run <key>')) throw new Error(`the command does not help: ${help}`);
    return [...programs.map(({ name }) => name), 'consul-lock --help'];
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }

  install(...what: readonly string[]): void {
    this.run('npm', [
      'install',
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
      '--loglevel',
      'error',
      ...what,
    ]);
  }

  /** The command's standard output. */
  run(command: string, args: readonly string[], cwd: string = this.folder): string {
    return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
