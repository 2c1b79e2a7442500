import type { Row, Target } from '../rows.ts';
import type { Achieved } from './results.ts';

/** A target, what was measured, and whether that is enough; without a figure it is not. */
export interface Judged {
  readonly title: string;
  readonly target: Target;
  readonly value: number | undefined;
  readonly isMet: boolean;
}

/** Our own figures against what is to be reached; a contest that failed once does not reach it. */
export function judged(rows: readonly Row[], achieved: readonly Achieved[]): Judged[] {
  return rows.flatMap(({ name, title, targets }) => {
    const ours = achieved.find(({ row, contestant }) => row === name && contestant === 'consul-lock');
    if (!ours) return [];
    return targets.map((target) => {
      const value = ours.figures[target.figure];
      return { title, target, value, isMet: ours.failures.length === 0 && isReached(target, value) };
    });
  });
}

export function isReached({ atMost = Infinity, atLeast = -Infinity }: Target, value = NaN): boolean {
  return value <= atMost && value >= atLeast;
}

export function bound({ atMost, atLeast }: Target): string {
  return atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;
}
