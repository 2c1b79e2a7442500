/**
 * Milliseconds by the machine's monotonic clock, which has one zero for all its processes. Times of
 * `performance.now()` cannot be compared between processes: its zero is the start of each, and
 * `performance.timeOrigin` tells that by the wall clock, which may be set in between.
 */
export function machineTimeMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
