import type { ConsulLockError, LockHandle } from '../../../lib/index.ts';
import { Breach } from './breach.ts';
import type { KeyName, LockTerms } from './terms.ts';
import type { WorldProcess } from './world-process.ts';

/** What an outsider has done to an attempt's lock, so that it may be lost, and go to another, unnoticed. */
export type Disturbance = 'session ended' | 'key removed';

const PREFIX = 'attempt ';

/** One call of `acquire`, `tryAcquire` or `hold`, and the handle that came of it. */
export class Attempt {
  readonly number: number;
  readonly process: WorldProcess;
  readonly lock: LockTerms;
  readonly keys: readonly KeyName[];
  readonly fullKeys: readonly string[];
  readonly how: 'acquire' | 'try' | 'hold';
  readonly startedAt: number;
  readonly controller: AbortController = new AbortController();
  /** By the running time of its process. */
  dueAt: number;
  state: 'pending' | 'held' | 'null' | 'rejected' = 'pending';
  wasCancelled = false;
  /** From when on its lock has been in the hands of an outsider. */
  disturbance: Disturbance | undefined;
  /** An outsider has written to its key, and it is still its own. */
  isOverwritten = false;
  handle: LockHandle | undefined;
  acquiredAt = 0;
  /** What its handle has told so far. */
  wasHeld = true;
  loss: ConsulLockError | undefined;
  isReleaseAsked = false;
  /** How long it was still held when its release was first asked for. */
  validForMs: number | undefined;
  /** Whether it was in the hands of an outsider by then. */
  wasDisturbed = false;
  releasesUnderWay = 0;
  /** By `hold`, or by being disposed of: neither tells whether the lock was still ours. */
  isReleasedElsewhere: boolean;
  /** A release has fulfilled. */
  isOver = false;
  signal: AbortSignal | undefined;
  aborts = 0;
  rewritings = 0;

  constructor(
    number: number,
    process: WorldProcess,
    lock: LockTerms,
    { how, startedAt, dueAt }: { how: Attempt['how']; startedAt: number; dueAt: number },
  ) {
    this.number = number;
    this.process = process;
    this.lock = lock;
    this.keys = lock.keys;
    this.fullKeys = lock.keys.map(fullKeyOf);
    this.how = how;
    this.isReleasedElsewhere = how === 'hold';
    this.startedAt = startedAt;
    this.dueAt = dueAt;
  }

  /** What its keys are given for a value. */
  get value(): string {
    return `${PREFIX}${this.number}`;
  }

  get name(): string {
    return `${this.how} ${this.number} on ${this.keys.join(', ')} in ${this.process.name}`;
  }

  /** Just before the call; answers how long the lock is valid for it. */
  askForRelease(): number {
    // The look makes known that its time is over, as the release will.
    this.validForMs ??= this.handle!.remainingMs;
    if (!this.isReleaseAsked) this.wasDisturbed = this.disturbance !== undefined;
    this.isReleaseAsked = true;
    return this.validForMs;
  }

  /** Whether both want the same key. */
  rivals(other: Attempt): boolean {
    return other !== this && this.keys.some((key) => other.keys.includes(key));
  }

  breach(what: string): Breach {
    return new Breach(`${this.name}: ${what}`);
  }
}

export function fullKeyOf(key: string): string {
  return `locks/ephemeral/${key}`;
}

/** The number of the attempt that wrote this value; undefined: it was an outsider. */
export function numberIn(value: string): number | undefined {
  return value.startsWith(PREFIX) ? Number.parseInt(value.slice(PREFIX.length), 10) : undefined;
}
