import type { LockEntry } from './lock-entry.ts';
import type { LockTerms } from './lock-terms.ts';
import type { Session } from './session.ts';

/** Keys that are, or may be, taken by a session, with what it takes to keep them and to give them back. */
export interface Lot {
  readonly terms: LockTerms;
  readonly session: Session;
  readonly entries: readonly LockEntry[];
  /** Undefined unless it was handed over within the process. */
  readonly chain?: Chain | undefined;
}

/** Handings over in a row, with no giving back in between. */
export interface Chain {
  readonly links: number;
  /** Milliseconds since the first of them. */
  readonly elapsedMs: () => number;
}
