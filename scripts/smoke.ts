/**
 * Packs the package, installs it in an empty folder and uses it as a stranger would: by import, by require, by its
 * command, with types.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PackedPackage } from './packed-package.ts';
import { compileConsumer, CONSUMERS } from './typed-consumers.ts';

const project = process.cwd();

using packed = new PackedPackage();
console.log(`${packed.name}: ${packed.fileCount} files`);
for (const name of packed.runPrograms()) console.log(`${name}: fine`);

const { version } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as { version: string };
const told = packed.run('npx', ['--no-install', 'consul-lock', '--version']).trim();
if (told !== version) throw new Error(`the command is of version ${told}`);
const command = readFileSync(join(packed.folder, 'node_modules/consul-lock/dist/cli.js'), 'utf8');
if (/class EphemeralLock\b/.test(command)) throw new Error('the command has a package of its own');
console.log('consul-lock --version: fine');

packed.install('@types/node@20');
const tsc = join(project, 'node_modules/typescript/bin/tsc');
for (const consumer of CONSUMERS) {
  compileConsumer(packed, tsc, consumer);
  console.log(`${consumer.title}, strict: fine`);
}
