import { mean } from '../measures/statistics.ts';
import type { Figures } from '../report/figures.ts';

/** In which figure a contest is compared with raw requests. */
export type ComparedFigure = 'meanMs' | 'medianMs' | 'locksPerSecond';

/** Measures the limit just before and just after a contest, and compares that with the mean of both. */
export async function besideLimit(
  compared: ComparedFigure,
  limit: () => Promise<Figures>,
  measure: () => Promise<Figures>,
): Promise<Figures> {
  const before = await limit();
  const figures = await measure();
  return { ...figures, ...comparison(compared, figures, before, await limit()) };
}

export function comparison(
  compared: ComparedFigure,
  figures: Figures,
  before: Figures,
  after: Figures,
): Figures {
  const limit = mean([before[compared]!, after[compared]!]);
  return { limit, toLimit: figures[compared]! / limit };
}
