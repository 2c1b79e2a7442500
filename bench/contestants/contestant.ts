/** One way to lock, as the benchmark uses it. */
export interface Contestant {
  /** The lock of one caller. Several of them on one key contend, whether or not they live in one process. */
  lockOn(key: string, terms: LockTerms): BenchLock;
  /** Leaves nothing behind on the server, so that the next contest finds it idle. */
  close(): Promise<void>;
}

export interface LockTerms {
  /** How long a caller may wait for others; 0 is one attempt. */
  readonly waitMs: number;
}

export interface BenchLock {
  acquire(): Promise<Release>;
}

/** Gives back; rejects when the lock was no longer its holder's. */
export type Release = () => Promise<void>;

/** For contests in which everybody is to be served at last. */
export const PATIENT: LockTerms = { waitMs: 120_000 };
