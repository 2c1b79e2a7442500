/** Milliseconds of CLOCK_MONOTONIC, which has one zero for all processes of a machine. */
export function machineTimeMs(): number {
  return Math.round(Number(process.hrtime.bigint()) / 1e3) / 1e3;
}
