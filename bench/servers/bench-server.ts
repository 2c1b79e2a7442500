/** A server that locks are taken on, as the benchmark looks at it. */
export interface BenchServer {
  /** `host:port` */
  readonly address: string;
  readonly port: number;
  readonly version: string;
  /** How many connections are the benchmark's own, and none of a contestant's. */
  readonly ownConnections: number;
  /** Entries of its raft log up to now; undefined when it has no such log. */
  entries(): Promise<number | undefined>;
  /** Requests that it received up to now; undefined when the contestants count them themselves. */
  requests(): Promise<number | undefined>;
  /** Resolves when nobody writes any more. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}
