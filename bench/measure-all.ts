import type { Arena } from './contests/arena.ts';
import { Progress } from './report/progress.ts';
import { briefly } from './report/report-text.ts';
import type { Measured } from './report/results.ts';
import type { Row } from './rows.ts';

/** Every run has all contests in turn, so that a machine that grows slower is slower for all of them. */
export async function measureAll(
  arena: Arena,
  rows: readonly Row[],
  runs: number,
  afterEachRun: (measured: readonly Measured[], run: number) => void,
): Promise<void> {
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
        const failure = (error as Error).message;
        measured.push({ ...base, figures: {}, failure });
        progress.end(`NOT MEASURED: ${failure}`);
      }
    }
    afterEachRun(measured, run);
  }
}
