import { projectFolder } from '../../spec/support/consul-server/project-folder.ts';
import { runCommand } from '../../spec/support/consul-server/run-command.ts';
import { median } from '../measures/statistics.ts';
import type { Figures } from '../report/figures.ts';

const TIMES = 15;
const OURS = "await import('./dist/index.js');";
/** What a lock on Consul cannot do without: the client, and something that tries again. */
const THE_LEAST = "await import('consul'); await import('p-retry');";

/** How long the built package takes to load in a process of its own, in turn with what it stands on. */
export async function importContest(): Promise<Figures> {
  const [ours, least]: [number[], number[]] = [[], []];
  for (let time = 0; time < TIMES; time++) {
    ours.push(await timeOf(OURS));
    least.push(await timeOf(THE_LEAST));
  }
  const [importMs, limit] = [median(ours), median(least)];
  return { medianMs: importMs, limit, toLimit: importMs / limit };
}

async function timeOf(imports: string): Promise<number> {
  const program = `const began = performance.now(); ${imports} console.log(performance.now() - began);`;
  const printed = await runCommand(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: projectFolder(),
  });
  return Number(printed);
}
