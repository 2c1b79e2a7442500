import { once } from 'node:events';
import { closeSync, copyFileSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from '../spec/support/consul-server/project-folder.ts';
import { runCommand } from '../spec/support/consul-server/run-command.ts';
import {
  createTemporaryFolder,
  removeTemporaryFolder,
} from '../spec/support/consul-server/temporary-folder.ts';
import { spawnTethered } from '../spec/support/consul-server/tethered-process.ts';
import { readPanReport, type PanReport } from './pan-report.ts';
import type { Search } from './searches.ts';
import { storyIn } from './story.ts';
import { run, type Tools } from './tools.ts';

const MODEL = 'lock.pml';
/** Of memory, for one search. */
export const MOST_MEGABYTES = 1_400;
const DEEPEST = 2_000_000;

export interface SearchResult {
  readonly report: PanReport;
  /** What led to a violation, told by the model. */
  readonly story: readonly string[];
}

export interface SearchOptions {
  /** Finds the shortest way to a violation, at the price of more memory where there is none. */
  readonly shortest: boolean;
  readonly timeoutMs: number;
}

/** Searches all states of the model. */
export async function runSearch(
  { spin, compiler }: Tools,
  { defines, reachesAll = false }: Search,
  { shortest, timeoutMs }: SearchOptions,
): Promise<SearchResult> {
  const folder = await createTemporaryFolder();
  try {
    copyFileSync(join(projectFolder(), 'model', MODEL), join(folder, MODEL));
    const options = [`-P${compiler} -E -x c`, ...defines.map((define) => `-D${define}`)];
    // Spin merges statements, and one that is never reached could hide in another.
    if (reachesAll) options.push('-o3');
    await run(spin, [...options, '-a', MODEL], { cwd: folder });
    // Everybody shares all of the data, and so there is no order of events that would not matter.
    const flags = ['SAFETY', 'NOREDUCE', `MEMLIM=${MOST_MEGABYTES}`, ...(shortest ? ['BFS'] : [])];
    const compiled = ['-O1', '-w', ...flags.map((flag) => `-D${flag}`), '-o', 'pan', 'pan.c'];
    await runCommand(compiler, compiled, { cwd: folder, timeoutMs });
    const report = await runPan(folder, timeoutMs);
    if (report.violated === undefined) return { report, story: [] };
    // It complains about the violation that it arrives at.
    return { report, story: storyIn(await run(spin, [...options, '-t', '-T', MODEL], { cwd: folder })) };
  } finally {
    await removeTemporaryFolder(folder);
  }
}

async function runPan(folder: string, timeoutMs: number): Promise<PanReport> {
  const log = join(folder, 'pan.log');
  const output = openSync(log, 'w');
  // Its trail goes to the folder in which it runs.
  const child = await spawnTethered(
    'sh',
    ['-c', 'cd "$0" && exec ./pan "$1"', folder, `-m${DEEPEST}`],
    output,
  );
  closeSync(output);
  child.ref();
  const exit = once(child, 'exit');
  let isLate = false;
  const timer = setTimeout(() => (isLate = child.kill('SIGKILL')), timeoutMs);
  await exit;
  clearTimeout(timer);
  const report = readPanReport(readFileSync(log, 'utf8'));
  return isLate ? { ...report, truncatedBy: `took longer than ${timeoutMs / 1_000} s` } : report;
}
