import type { PanReport } from './pan-report.ts';
import type { Search } from './searches.ts';

/** What is wrong with the outcome of a search; nothing: it is as expected. */
export function objectionsTo({ violates, reachesAll = false }: Search, report: PanReport): string[] {
  const { violated, truncatedBy, unreached } = report;
  if (truncatedBy !== undefined) return [`not all states were searched: ${truncatedBy}`];
  if (violated !== violates) {
    return [
      violated === undefined
        ? `${violates} is not violated: the model does not see what is missing here`
        : `${violated} is violated${violates === undefined ? '' : `, and not ${violates}`}`,
    ];
  }
  return reachesAll
    ? unreached.map(({ line, statement }) => `line ${line} is never reached: ${statement}`)
    : [];
}
