import type { Counts, Verdict } from '../checker/check.ts';

const MOST_SHOWN = 20;

/** A verdict in words, for a terminal or a log. */
export function verdictText({ violations, figures }: Verdict): string {
  const { faults, losses, rejections } = figures;
  const lines = [
    `seed ${figures.seed}, ${figures.minutes.toFixed(1)} min, ${figures.contenders} contenders (${figures.processes} processes, ${figures.callers} callers)`,
    `acquisitions  ${figures.acquisitions}, refused ${figures.refusals}, rejected ${total(rejections)}${list(rejections)}`,
    `losses        ${total(losses)} told by signal${list(losses)}`,
    `faults        ${total(faults)}${list(faults)}`,
    `elections     ${figures.elections}`,
    `outsiders     ${figures.excusedOverlaps} overlaps excused (${figures.slippedTakings} takings under way when a lock delay began); ${figures.learned} holders learned in time, ${figures.answered} calls answered truly`,
    `promises      ${figures.promises}, the latest ${figures.longestOverrunMs.toFixed(0)} ms after its limit`,
    `deadlines     ${figures.deadlines} looks compared with the request that had started the TTL`,
    `writes        ${figures.writes} placed in the log`,
    `aftermath     ${figures.orphans} sessions had to end by their TTL, ${figures.unended.length} of them known to a process that ended in order`,
    violations.length === 0 ? 'verdict       no violation' : `verdict       ${violations.length} VIOLATIONS`,
    ...violations.slice(0, MOST_SHOWN).map(({ rule, at, what }) => `  [${rule}] ${at.toFixed(0)}: ${what}`),
    ...(violations.length > MOST_SHOWN ? [`  and ${violations.length - MOST_SHOWN} more`] : []),
  ];
  return lines.join('\n');
}

function total(counts: Counts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function list(counts: Counts): string {
  const parts = Object.entries(counts).map(([name, count]) => `${name} ${count}`);
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}
