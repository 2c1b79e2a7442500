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
  const complete = measured.map((one) => withHandWritten(one, measured));
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

/** The ratio to what people write by hand is of one and the same run, as all ratios are. */
function withHandWritten(one: Measured, all: readonly Measured[]): Measured {
  const other = all.find(
    ({ row, contestant, run }) => row === one.row && run === one.run && contestant === 'hand-written',
  );
  if (one.contestant !== 'consul-lock' || other?.figures.meanMs === undefined) return one;
  if (one.figures.meanMs === undefined) return one;
  return {
    ...one,
    figures: { ...one.figures, timeToHandWritten: one.figures.meanMs / other.figures.meanMs },
  };
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
