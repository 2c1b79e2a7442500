/** What is measured of a contest, as plain numbers. Times are in milliseconds. */
export interface Figures {
  medianMs?: number;
  p99Ms?: number;
  meanMs?: number;
  totalMs?: number;
  locks?: number;
  locksPerSecond?: number;
  entriesPerLock?: number;
  requestsPerLock?: number;
  connections?: number;
  failures?: number;
  /** Callers that somebody came before who had called later. */
  overtaken?: number;
  /** Of a process, as a part of its fair share. */
  smallestShare?: number;
  worstWaitMs?: number;
  /** In mean rounds, a round being the time between two turns of a caller. */
  worstWait?: number;
  /** The time or the rate of raw requests: the mean of what was measured just before and just after. */
  limit?: number;
  /** The contest's own time or rate in proportion to that. */
  toLimit?: number;
  timeToHandWritten?: number;
  kibPerLock?: number;
}
export type FigureName = keyof Figures;

/** Those of which the worst of all runs counts, and not the middle one. */
export const WORST_COUNTS: readonly FigureName[] = ['failures', 'overtaken', 'connections'];
