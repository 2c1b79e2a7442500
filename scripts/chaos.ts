import { randomInt } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { check } from '../spec/faults/checker/check.ts';
import { readHistory } from '../spec/faults/history/read-history.ts';
import { runChaos } from '../spec/faults/laboratory/chaos-run.ts';
import { Progress } from '../spec/faults/report/progress.ts';
import { timelineOf } from '../spec/faults/report/timeline.ts';
import { verdictText } from '../spec/faults/report/verdict-text.ts';
import { findConsulBinary } from '../spec/support/consul-server/find-consul.ts';
import { projectFolder } from '../spec/support/consul-server/project-folder.ts';

const USAGE = 'npm run chaos -- [--minutes 10] [--seed N] [--keep] | --check FOLDER';
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(randomInt(1, 2 ** 31)) },
    // The history and the picture, also when there is nothing wrong.
    keep: { type: 'boolean', default: false },
    // Judges the history of an earlier run once more.
    check: { type: 'string' },
  },
});
const [minutes, seed] = [Number(values.minutes), Number(values.seed)];
if (!(minutes > 0) || !Number.isSafeInteger(seed)) throw new RangeError(USAGE);

const folder = values.check ?? join(projectFolder(), 'build/chaos', `${seed}-${Date.now()}`);
if (values.check === undefined) await run();
const history = readHistory(folder);
const verdict = check(history);
writeFileSync(join(folder, 'timeline.svg'), timelineOf(history, verdict.violations));
writeFileSync(join(folder, 'verdict.json'), JSON.stringify(verdict, undefined, 2));
console.log(verdictText(verdict));
if (verdict.violations.length > 0) {
  console.log(
    `To see it again: npm run chaos -- --minutes ${verdict.figures.minutes} --seed ${verdict.figures.seed}`,
  );
  process.exitCode = 1;
}
if (process.exitCode === 1 || values.keep || values.check !== undefined) console.log(`Kept: ${folder}`);
else rmSync(folder, { recursive: true });
// Whatever connection is still open belongs to agents that are gone.
process.exit();

async function run(): Promise<void> {
  mkdirSync(folder, { recursive: true });
  console.log(`chaos for ${minutes} min with seed ${seed}`);
  const interruption = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => interruption.abort(new Error(`ended by ${signal}`)));
  }
  using progress = new Progress(folder, minutes);
  const binary = await findConsulBinary();
  const { signal } = interruption;
  await runChaos({ binary, seed, minutes, folder, signal, onFact: (fact) => progress.note(fact) });
}
