import type { ContestantName } from '../contestants/open-contestant.ts';
import { highest, median } from '../measures/statistics.ts';
import type { Row } from '../rows.ts';
import { WORST_COUNTS, type FigureName, type Figures } from './figures.ts';

/** One contest of one run; a contest that could not be held to its end has no figures. */
export interface Measured {
  readonly row: string;
  readonly contestant: ContestantName;
  readonly run: number;
  readonly figures: Figures;
  readonly failure?: string;
}

/** What one contestant achieved in one row, over all runs. */
export interface Achieved {
  readonly row: string;
  readonly contestant: ContestantName;
  /** The middle one of all runs, or the worst where a single bad one is one too many. */
  readonly figures: Figures;
  readonly runs: readonly Figures[];
  readonly failures: readonly string[];
}

export function achievedIn(rows: readonly Row[], measured: readonly Measured[]): Achieved[] {
  const complete = measured.map((one) =>
    isComparedWithHandWritten(rows, one) ? withHandWritten(one, measured) : one,
  );
  return rows.flatMap(({ name, contestants }) =>
    contestants.flatMap((contestant) => {
      const own = complete.filter((one) => one.row === name && one.contestant === contestant);
      if (own.length === 0) return [];
      const runs = own.filter(({ failure }) => failure === undefined).map(({ figures }) => figures);
      const failures = own.flatMap(({ failure }) => (failure === undefined ? [] : [failure]));
      return [{ row: name, contestant, figures: overall(runs), runs, failures }];
    }),
  );
}

function isComparedWithHandWritten(rows: readonly Row[], { row, contestant }: Measured): boolean {
  const targets = rows.find(({ name }) => name === row)?.targets ?? [];
  return contestant === 'consul-lock' && targets.some(({ figure }) => figure === 'timeToHandWritten');
}

/**
 * Of one and the same run, as all ratios are, and each in proportion to the raw requests beside it: between the two contests
 * the machine may have grown slower.
 */
function withHandWritten(one: Measured, all: readonly Measured[]): Measured {
  const other = all.find(
    ({ row, contestant, run }) => row === one.row && run === one.run && contestant === 'hand-written',
  );
  const [ours, theirs] = [one.figures.toLimit, other?.figures.toLimit];
  if (ours === undefined || theirs === undefined) return one;
  return { ...one, figures: { ...one.figures, timeToHandWritten: ours / theirs } };
}

export function overall(runs: readonly Figures[]): Figures {
  const names = new Set(runs.flatMap((figures) => Object.keys(figures) as FigureName[]));
  const figures: Figures = {};
  for (const name of names) {
    const values = runs.flatMap((run) => (run[name] === undefined ? [] : [run[name]]));
    figures[name] = WORST_COUNTS.includes(name) ? highest(values) : median(values);
  }
  return figures;
}
