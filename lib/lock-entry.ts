import type { KvEntry } from './consul-answer.ts';
import { drawFlags, withLinks } from './lock-flags.ts';

/** How many former flags are remembered: a look at the key may be older than the last rewritings. */
const FORMER_FLAGS = 16;

const NONE: readonly number[] = [];

/** One key of a lock as it stands in Consul, or is to stand there. */
export class LockEntry {
  /** As it was asked for. */
  readonly key: string;
  readonly fullKey: string;
  #content: string;
  #flags: number = drawFlags();
  #token = 0;
  #createIndex = 0;
  #formerFlags: readonly number[] = NONE;
  /** Once for each rewriting: a user may give all of them the same. */
  #announcedFlags: readonly number[] = NONE;

  constructor(key: string, fullKey: string, value: Buffer) {
    this.key = key;
    this.fullKey = fullKey;
    this.#content = value.toString('base64');
  }

  /** Its value, in base64 as Consul is sent it: it is made while its contender still waits. */
  get content(): string {
    return this.#content;
  }

  /**
   * Drawn anew for each acquisition and rewriting, so that an attempt knows itself again, whatever its value; and so that
   * `ModifyIndex` grows, which Consul leaves as it is when value and flags stay the same.
   */
  get flags(): number {
    return this.#flags;
  }

  /** Before it is taken by a handing over: how many there have been in a row, with this one. */
  countLinks(links: number): void {
    this.#flags = withLinks(this.#flags, links);
  }

  /** The `ModifyIndex` of the acquisition, or of the last rewriting; 0 before. */
  get token(): number {
    return this.#token;
  }

  taken({ modifyIndex, createIndex }: Pick<KvEntry, 'modifyIndex' | 'createIndex'>): void {
    this.#token = modifyIndex;
    this.#createIndex = createIndex;
  }

  /** Before a rewriting is sent: whoever looks at the key meanwhile must know it for ours. */
  announceRewriting(flags: number): void {
    this.#announcedFlags = [...this.#announcedFlags, flags];
  }

  /** The rewriting was refused, or has been adopted: it can no longer land. */
  forgetRewriting(flags: number): void {
    const place = this.#announcedFlags.indexOf(flags);
    if (place >= 0) this.#announcedFlags = this.#announcedFlags.toSpliced(place, 1);
  }

  rewritten({ modifyIndex, flags, value }: Pick<KvEntry, 'modifyIndex' | 'flags' | 'value'>): void {
    // Answers of rewritings that were sent side by side may overtake each other.
    if (modifyIndex < this.#token) return;
    this.#formerFlags = [this.#flags, ...this.#formerFlags].slice(0, FORMER_FLAGS);
    this.#flags = flags;
    this.#token = modifyIndex;
    this.#content = value?.toString('base64') ?? '';
  }

  /** A rewriting whose answer never came turns out to have landed. */
  adopt(row: KvEntry | null): void {
    if (row && this.#announcedFlags.includes(row.flags)) this.rewritten(row);
  }

  /**
   * Whether this row is what is left of the lock that we took, when somebody has unlocked it by hand after a handing over: nobody
   * holds it, nobody has written data to it, and `LockIndex` does not tell that it was a lock.
   */
  wasUnlocked(row: KvEntry | null): row is KvEntry {
    if (row === null || row.session !== undefined || row.lockIndex > 0) return false;
    const value = row.value?.toString('base64') ?? '';
    return (
      this.#token > 0 && row.createIndex === this.#createIndex && (value === '' || value === this.#content)
    );
  }

  /**
   * Whether this row is the lock that we took. The same session's next holder has other flags; a plain write by anybody
   * keeps the session and the `CreateIndex`, and sets `LockIndex` to 0. So does a handing over, after which the old entry is asked
   * no more, unless that was in doubt.
   */
  isOurs(row: KvEntry | null, sessionId: string): row is KvEntry {
    if (row?.session !== sessionId) return false;
    if (row.flags === this.#flags || this.#announcedFlags.includes(row.flags)) return true;
    if (this.#formerFlags.includes(row.flags)) return true;
    return this.#token > 0 && row.lockIndex === 0 && row.createIndex === this.#createIndex;
  }
}
