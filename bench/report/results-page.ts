import type { Row } from '../rows.ts';
import { reportText } from './report-text.ts';
import type { Results } from './write-results.ts';

/** The results for readers, as the benchmark prints them, with what they were measured on. */
export function resultsPage(rows: readonly Row[], results: Results): string {
  const { date, versions, cores, runs, seconds, targets } = results;
  const servers = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const peers = 'redis' in versions || 'etcd' in versions ? ' --peers' : '';
  return [
    '# Results of the benchmark',
    `\`npm run bench -- --runs ${runs} --seconds ${seconds}${peers}\` on ${date.slice(0, 10)}: ` +
      `${cores} cores, ${servers.join(', ')}. The middle one of ${runs} runs; written by the benchmark itself.`,
    '![Locks per second and raft entries per lock](chart.svg)',
    ['```text', reportText(rows, results.rows, targets), '```'].join('\n'),
    '',
  ].join('\n\n');
}
