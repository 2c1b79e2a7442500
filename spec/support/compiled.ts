import { readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { projectFolder } from './consul-server/project-folder.ts';
import { runCommand } from './consul-server/run-command.ts';

const SOURCES = ['lib', 'spec/support', 'scripts', 'demo', 'examples'];

/**
 * Brings build/ up to date for child processes, which on Node 20 cannot run TypeScript. Type errors do not
 * matter here: the compiler writes its output all the same, and `npm run compile` reports them.
 */
export async function compileForChildren(): Promise<void> {
  const folder = projectFolder();
  const stamp = join(folder, 'build/compiled-for-children');
  const startedAt = new Date();
  if (changedAt(stamp) > Math.max(...SOURCES.map((source) => newestChange(join(folder, source))))) return;
  const tsc = join(folder, 'node_modules/.bin/tsc');
  await Promise.all([
    runCommand(tsc, ['-p', folder]).catch(() => {}),
    // The examples import the package by its name, and that is in dist/.
    runCommand(tsc, ['-p', join(folder, 'tsconfig.build.json')]).catch(() => {}),
  ]);
  writeFileSync(stamp, '');
  // What changes while the compiler runs has to be compiled again.
  utimesSync(stamp, startedAt, startedAt);
}

/** What a child process imports in place of a source file, given by its path in the project. */
export function compiledUrl(source: `${string}.ts`): string {
  return pathToFileURL(join(projectFolder(), 'build', source.replace(/\.ts$/, '.js'))).href;
}

function newestChange(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return Math.max(0, ...files.map((file) => changedAt(join(folder, file))));
}

function changedAt(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
