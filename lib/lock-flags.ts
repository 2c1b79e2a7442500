import { randomInt } from 'node:crypto';

/** How many acquisitions and rewritings of a process have flags of their own, one after the other. */
const COUNTED = 2 ** 20;

/** So many handings over in a row, less one, can be told by flags. */
const LINKS = 2 ** 5;

const PROCESSES = 2 ** 16;

/**
 * The uppermost of the 53 bits that travel as a JSON number: what tells our flags from those that somebody gave to data. Plain
 * writes have 0; times in milliseconds or microseconds are far below, the marks of other libraries above.
 */
const MARK = 0xb17;

const PROCESS: number = MARK * PROCESSES + randomInt(PROCESSES);

let drawn = randomInt(COUNTED);

/**
 * Not the same again for a long while, and in their upper part the same for the whole process.
 *
 * @param links - how often the lock has been handed over in a row, for those who wait in other processes.
 */
export function drawFlags(links = 0): number {
  drawn = (drawn + 1) % COUNTED;
  return withLinks((PROCESS * COUNTED + drawn) * LINKS, links);
}

/** The same flags with so many handings over in a row. */
export function withLinks(flags: number, links: number): number {
  return flags - linksOf(flags) + Math.min(links, LINKS - 1);
}

/** Which process of ours these flags are from, with the mark; some number for those of others. */
export function processOf(flags: number): number {
  return Math.floor(flags / (COUNTED * LINKS));
}

/** Whether they have the mark of this library. */
export function areOfALock(flags: number): boolean {
  return Math.floor(processOf(flags) / PROCESSES) === MARK;
}

/** How often this lock of ours has been handed over in a row; some number for those of others. */
export function linksOf(flags: number): number {
  return flags % LINKS;
}
