import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compiledUrl } from '../support/compiled.ts';
import { projectFolder } from '../support/consul-server/project-folder.ts';
import { runCommand } from '../support/consul-server/run-command.ts';

/** The program of `npm run chaos`, compiled from the sources as they are now. */
export async function compiledLaboratory(): Promise<string> {
  const folder = projectFolder();
  const program = fileURLToPath(compiledUrl('scripts/chaos.ts'));
  const sources = readdirSync(join(folder, 'spec/faults'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `spec/faults/${file}` as `${string}.ts`);
  // The run's setup has compiled the rest; what others use meanwhile is not to be written without need.
  const isStale = sources.some(
    (source) => changedAt(join(folder, source)) >= changedAt(fileURLToPath(compiledUrl(source))),
  );
  if (isStale) await runCommand(join(folder, 'node_modules/.bin/tsc'), ['-p', folder]).catch(() => {});
  return program;
}

function changedAt(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
