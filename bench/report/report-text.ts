import { titleOf, type Row } from '../rows.ts';
import type { FigureName, Figures } from './figures.ts';
import type { Achieved } from './results.ts';
import { aligned, shown } from './table.ts';
import { bound, type Judged } from './targets.ts';

const COLUMNS: readonly { readonly head: string; readonly figure: FigureName }[] = [
  { head: 'median ms', figure: 'medianMs' },
  { head: 'p99 ms', figure: 'p99Ms' },
  { head: 'locks/s', figure: 'locksPerSecond' },
  { head: '÷ limit', figure: 'toLimit' },
  { head: 'entries/lock', figure: 'entriesPerLock' },
  { head: 'requests/lock', figure: 'requestsPerLock' },
  { head: 'connections', figure: 'connections' },
  { head: 'total ms', figure: 'totalMs' },
  { head: 'KiB/lock', figure: 'kibPerLock' },
  { head: 'failures', figure: 'failures' },
];

/** What the benchmark prints at its end. */
export function reportText(
  rows: readonly Row[],
  achieved: readonly Achieved[],
  judgements: readonly Judged[],
): string {
  return [figuresTable(rows, achieved), ...troubles(rows, achieved), targetsTable(judgements)]
    .filter(Boolean)
    .join('\n\n');
}

/** One contest of one run, in a line. */
export function briefly(figures: Figures): string {
  return COLUMNS.filter(({ figure }) => figures[figure] !== undefined)
    .map(({ head, figure }) => `${shown(figures[figure])} ${head}`)
    .join(', ');
}

function figuresTable(rows: readonly Row[], achieved: readonly Achieved[]): string {
  const head = ['', '', ...COLUMNS.map((column) => column.head)];
  const lines = achieved.map(({ row, contestant, figures }, place) => [
    achieved[place - 1]?.row === row ? '' : titleOf(rows, row),
    contestant,
    ...COLUMNS.map(({ figure }) => shown(figures[figure])),
  ]);
  return aligned([head, ...lines], 2);
}

function targetsTable(judgements: readonly Judged[]): string {
  if (judgements.length === 0) return '';
  const head = ['', 'target', 'measured', 'is to be', ''];
  const lines = judgements.map(({ title, target, value, isMet }, place) => [
    judgements[place - 1]?.title === title ? '' : title,
    target.says,
    shown(value),
    bound(target),
    isMet ? 'met' : 'MISSED',
  ]);
  const missed = judgements.filter(({ isMet }) => !isMet).length;
  const verdict =
    missed === 0
      ? `All ${judgements.length} targets are met.`
      : `${missed} of ${judgements.length} targets are missed.`;
  return `${aligned([head, ...lines], 2)}\n\n${verdict}`;
}

function troubles(rows: readonly Row[], achieved: readonly Achieved[]): string[] {
  return achieved.flatMap(({ row, contestant, failures }) =>
    failures.map((failure) => `${titleOf(rows, row)}, ${contestant}: not measured: ${failure}`),
  );
}
