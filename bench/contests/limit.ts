import type { ContestantName } from '../contestants/open-contestant.ts';
import { mean } from '../measures/statistics.ts';
import type { Figures } from '../report/figures.ts';

/** In which figure a contest is compared with raw requests. */
export type ComparedFigure = 'meanMs' | 'medianMs' | 'locksPerSecond';

/** Whose raw requests a contest is compared with, and in what. */
export interface Limit {
  readonly contestant: ContestantName;
  readonly compared: ComparedFigure;
}

/** Measures the limit just before and just after a contest, and compares that with the mean of both. */
export async function besideLimit(
  compared: ComparedFigure,
  limit: () => Promise<Figures>,
  measure: () => Promise<Figures>,
): Promise<Figures> {
  const before = await limit();
  const figures = await measure();
  return { ...figures, ...comparison(compared, figures, [before, await limit()]) };
}

/**
 * With the mean of what was measured just before and just after each part of a contest: `limits` are those before the first
 * part, between two, and after the last.
 */
export function comparison(compared: ComparedFigure, figures: Figures, limits: readonly Figures[]): Figures {
  const values = limits.map((figuresOfLimit) => figuresOfLimit[compared]!);
  const limit = mean(values.slice(1).map((after, index) => mean([values[index]!, after])));
  return { limit, toLimit: figures[compared]! / limit };
}
