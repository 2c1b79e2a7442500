import { aligned } from '../bench/report/table.ts';
import type { PanReport } from './pan-report.ts';
import type { Search } from './searches.ts';

export interface Judged {
  readonly search: Search;
  readonly report: PanReport;
  readonly objections: readonly string[];
}

/** What was searched and what came out, a line for each search. */
export function tableOf(judged: readonly Judged[]): string {
  const head = ['', 'expected', 'found', '', 'states', 'depth', 'MB', 's'];
  const lines = judged.map(({ search, report, objections }) => [
    search.title,
    expectation(search),
    report.truncatedBy ?? outcome(report.violated),
    objections.length === 0 ? 'as expected' : 'WRONG',
    figure(report.states),
    figure(report.depth),
    figure(report.megabytes, 0),
    figure(report.seconds, 1),
  ]);
  return aligned([head, ...lines], 4);
}

export function verdictOn(judged: readonly Judged[]): string {
  const wrong = judged.filter(({ objections }) => objections.length > 0).length;
  const states = judged.reduce((sum, { report }) => sum + (report.states || 0), 0);
  const reached = judged.find(({ search }) => search.reachesAll === true)?.report.statements;
  const all = `${judged.length} searches, ${figure(states)} states in all`;
  if (wrong > 0) return `${all}: ${wrong} ${wrong === 1 ? 'is' : 'are'} not as expected.`;
  return `${all}: all as expected. Each of the ${figure(reached ?? NaN)} statements of the model was reached.`;
}

function expectation({ violates }: Search): string {
  return outcome(violates);
}

function outcome(violated: string | undefined): string {
  return violated === undefined ? 'nothing violated' : `${violated} violated`;
}

function figure(value: number, digits = 0): string {
  if (!Number.isFinite(value)) return '–';
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
