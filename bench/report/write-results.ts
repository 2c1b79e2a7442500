import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from '../../spec/support/consul-server/project-folder.ts';
import { titleOf, type Row } from '../rows.ts';
import { chart } from './chart.ts';
import type { Achieved } from './results.ts';
import { resultsPage } from './results-page.ts';
import type { Judged } from './targets.ts';

export interface Results {
  readonly date: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly cores: number;
  readonly runs: number;
  readonly seconds: number;
  readonly targets: readonly Judged[];
  readonly rows: readonly Achieved[];
}

/** bench/results.json for machines, bench/results.md for readers, and bench/chart.svg for both README files. */
export function writeResults(rows: readonly Row[], results: Results): void {
  const folder = join(projectFolder(), 'bench');
  writeFileSync(join(folder, 'results.json'), `${JSON.stringify(results, undefined, 2)}\n`);
  writeFileSync(join(folder, 'results.md'), resultsPage(rows, results));
  const picture = chart(results.rows, (name) => titleOf(rows, name));
  if (picture !== '') writeFileSync(join(folder, 'chart.svg'), picture);
}
