import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { projectFolder } from '../spec/support/consul-server/project-folder.ts';
import { Arena } from './contests/arena.ts';
import { benchOptions, type BenchOptions } from './options.ts';
import { chart } from './report/chart.ts';
import { Progress } from './report/progress.ts';
import { briefly, reportText } from './report/report-text.ts';
import { achievedIn, type Measured } from './report/results.ts';
import { judged } from './report/targets.ts';
import { ROWS, titleOf } from './rows.ts';
import { ConsulBenchServer } from './servers/consul-bench-server.ts';

const options = benchOptions(process.argv.slice(2), ROWS);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

const consul = await ConsulBenchServer.start();
try {
  const arena = new Arena(options.seconds, consul, {});
  console.log(
    `Consul ${consul.version}, Node ${process.version}, ${availableParallelism()} cores: ` +
      `${options.runs} runs, ${options.seconds} s for each contest`,
  );
  const measured = await measureAll(arena, options);
  const achieved = achievedIn(options.rows, measured);
  const judgements = judged(options.rows, achieved);
  console.log(`\n${reportText(options.rows, achieved, judgements)}`);
  const results = {
    date: new Date().toISOString(),
    node: process.version,
    consul: consul.version,
    cores: availableParallelism(),
    runs: options.runs,
    seconds: options.seconds,
    targets: judgements,
    rows: achieved,
  };
  writeFileSync(join(projectFolder(), 'bench/results.json'), `${JSON.stringify(results, undefined, 2)}\n`);
  const picture = chart(achieved, (name) => titleOf(options.rows, name));
  if (picture !== '') writeFileSync(join(projectFolder(), 'bench/chart.svg'), picture);
} finally {
  await consul.stop();
}

/** Every run has all contests in turn, so that a machine that grows slower is slower for all of them. */
async function measureAll(arena: Arena, { runs, rows }: BenchOptions): Promise<Measured[]> {
  const contests = rows.flatMap((row) =>
    row.contestants.filter((name) => arena.has(name)).map((contestant) => ({ row, contestant })),
  );
  const measured: Measured[] = [];
  using progress = new Progress(contests.length * runs);
  for (let run = 1; run <= runs; run++) {
    for (const { row, contestant } of contests) {
      progress.begin(`run ${run}: ${row.title}, ${contestant}`);
      const base = { row: row.name, contestant, run };
      try {
        const figures = await row.measure(arena, contestant);
        measured.push({ ...base, figures });
        progress.end(briefly(figures));
      } catch (error) {
        measured.push({ ...base, figures: {}, failure: (error as Error).message });
        progress.end(`FAILED: ${(error as Error).message}`);
      }
    }
  }
  return measured;
}
