import { linksOf } from './lock-flags.ts';
import { setNewest } from './newest.ts';

/**
 * After so many handings over in a row a lock is given back where other processes are seen, so that they do not starve: with
 * sixteen a lock costs 18/17 of a write, and nobody waits for long.
 */
export const MOST_IN_A_ROW = 16;

/** Of what is left of a stay, the next one need not watch so much: how fast it goes on wanders. */
const UNWATCHED = 0.6;

/** With fewer handings over to come, the next one watches. */
const WATCHED_LINKS = 4;

/** As long as so many handings over it takes at least from one stay to the next. */
const SWITCH_LINKS = 2;

/** What a handing over takes, as a part of what a taking takes: rather too little, for who comes too late is missed. */
const LINK_WRITES = 0.6;

/** Of what is usual, so much is expected after a stay whose end was not seen: it may have become less. */
const REMEMBERED = 0.75;

/** Nobody looks away for longer, for what is usual may change. */
const LONGEST_REST_MS = 100;

/** How many processes are remembered. */
const MOST_REMEMBERED = 64;

/** By what one acquisition is known from others. */
export interface Grant {
  readonly flags: number;
  readonly createIndex: number;
  readonly lockIndex: number;
}

/**
 * How long other processes keep a lock to themselves when they hand it over among their own callers: each of these handings
 * over would wake all who watch the key in Consul, and none of them can be served before the end of it. How many of them
 * there have been is told by the flags, how many there will be by the last stay of that process.
 */
export class Stays {
  #process: number | undefined;
  #grant: Grant | undefined;
  /** Of the stay under way: how often the lock had been handed over when it was first seen, and when it was last seen. */
  #firstLinks = 0;
  #firstSeenAt = 0;
  #links = 0;
  #seenAt = 0;
  /** Whether the end of this stay has been waited for without looking away. */
  #isWatched = true;
  /** Handings over in a stay, of each process that hands over. */
  readonly #usual = new Map<number, number>();

  /** This process has the lock, by this grant; whether that is another stay than it was last seen with. */
  saw(process: number, { flags, createIndex, lockIndex }: Grant): boolean {
    const last = this.#grant;
    this.#grant = { flags, createIndex, lockIndex };
    const now = performance.now();
    const links = linksOf(flags);
    // A lock that was given back and taken again has others. Handing over keeps the one, and may set the other to 0.
    const isLockedAnew = lockIndex > 0 && last?.lockIndex !== lockIndex;
    const isAnew = last?.createIndex !== createIndex || isLockedAnew;
    if (isAnew || this.#process !== process || links < this.#links) {
      this.ended();
      this.#process = process;
      this.#firstLinks = links;
      this.#firstSeenAt = now;
      this.#isWatched = true;
    }
    this.#links = links;
    this.#seenAt = now;
    return isAnew;
  }

  /** The lock came free, or went to another process. */
  ended(): void {
    const process = this.#process;
    if (process === undefined) return;
    this.#process = undefined;
    const expected = Math.floor(REMEMBERED * (this.#usual.get(process) ?? 0));
    const links = this.#isWatched ? this.#links : Math.max(this.#links, expected);
    this.#usual.delete(process);
    // There were more only if it saw nobody, and now it does.
    if (links > 0) setNewest(this.#usual, process, Math.min(links, MOST_IN_A_ROW), MOST_REMEMBERED);
  }

  /**
   * For how long there is no use in watching; for who is not the next, there is none before the end.
   *
   * @param writeMs - how long the taking of a lock takes.
   */
  restMs(isNext: boolean, writeMs: number): number {
    const restMs = this.#process === undefined ? 0 : this.#leftToRestMs(this.#process, isNext, writeMs);
    this.#isWatched = restMs === 0;
    return restMs;
  }

  #leftToRestMs(process: number, isNext: boolean, writeMs: number): number {
    const links = (this.#usual.get(process) ?? 0) - this.#links;
    if (links <= 0 || (isNext && links < WATCHED_LINKS)) return 0;
    const passed = this.#links - this.#firstLinks;
    const linkMs = passed < 2 ? LINK_WRITES * writeMs : (this.#seenAt - this.#firstSeenAt) / passed;
    const restMs = linkMs * (isNext ? UNWATCHED * links : links + SWITCH_LINKS);
    return Math.min(LONGEST_REST_MS, Math.max(0, restMs - (performance.now() - this.#seenAt)));
  }
}
