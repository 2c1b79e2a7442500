/** Searches the model of the protocol (lock.pml) for violations, and its crippled variants for those that must be there. */
import { availableParallelism, freemem } from 'node:os';
import { parseArgs } from 'node:util';
import { objectionsTo } from './judge.ts';
import { MOST_MEGABYTES, runSearch } from './run-search.ts';
import { SEARCHES, type Search } from './searches.ts';
import { type Judged, tableOf, verdictOn } from './table.ts';
import { findTools, type Tools } from './tools.ts';

/** For each search; on a slow machine one takes a minute. */
const TIMEOUT_MS = 300_000;
const MOST_TOLD = 60;
/** As many as there are cores, and memory for the largest. */
const AT_ONCE = Math.max(
  1,
  Math.min(availableParallelism(), Math.floor(freemem() / 2 ** 20 / MOST_MEGABYTES)),
);

const { values } = parseArgs({
  // How every violation comes about, also those that must be there.
  options: { stories: { type: 'boolean', default: false } },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

const tools = await findTools().catch((error: Error) => {
  console.log(`The model is not checked.\n${error.message}`);
  if (process.env['CI']) process.exitCode = 1;
  return undefined;
});
if (tools) await checkModel(tools);

async function checkModel(found: Tools): Promise<void> {
  const began = performance.now();
  console.log(`${SEARCHES.length} searches, which take a minute or two\n`);
  const judged: Judged[] = [];
  const waiting = SEARCHES.entries();
  const searchOn = async (): Promise<void> => {
    for (const [place, search] of waiting) judged[place] = await check(found, search);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, searchOn));
  console.log(`${tableOf(judged)}\n`);
  console.log(`${verdictOn(judged)} ${((performance.now() - began) / 1_000).toFixed(0)} s.`);
  if (judged.some(({ objections }) => objections.length > 0)) process.exitCode = 1;
}

async function check(found: Tools, search: Search): Promise<Judged> {
  const isVariant = search.violates !== undefined;
  const limits = { shortest: isVariant, timeoutMs: TIMEOUT_MS };
  let { report, story } = await runSearch(found, search, limits);
  const objections = objectionsTo(search, report);
  if (objections.length > 0 && report.violated !== undefined && !isVariant) {
    const again = await runSearch(found, search, { ...limits, shortest: true });
    if (again.report.violated !== undefined) story = again.story;
  }
  if (objections.length > 0 || (values.stories && story.length > 0)) tell(search, objections, story);
  return { search, report, objections };
}

function tell({ title, defines }: Search, objections: readonly string[], story: readonly string[]): void {
  console.log([title, ...defines.map((define) => `-D${define}`)].join(' '));
  for (const objection of objections) console.log(`  ${objection}`);
  if (story.length > MOST_TOLD) console.log(`    … ${story.length - MOST_TOLD} more before`);
  for (const line of story.slice(-MOST_TOLD)) console.log(`    ${line}`);
  console.log();
}
