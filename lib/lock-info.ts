/** What Consul knows of a lock. */
export interface LockInfo {
  /** The key in Consul. */
  fullKey: string;
  /** False for a key that nobody holds: left behind unlocked, or data that never was a lock. */
  locked: boolean;
  /** The holder's session; none for a key that nobody holds. */
  sessionId?: string;
  /** The `ModifyIndex` of the key: the holder's fencing token. */
  fencingToken: number;
  /** What `generateValue` made, as text; null for an empty one. */
  value: string | null;
  /** The Consul node that the holder's session belongs to. */
  node?: string;
  /** The name of the holder's session, as Consul's UI shows it. */
  sessionName?: string;
  /** The TTL of the holder's session, in milliseconds. */
  ttlMs?: number;
  /** When it was taken, where the value tells (`locked_at` in JSON, as `generateValue` writes by default). */
  lockedAt?: Date;
}
