import { randomInt } from 'node:crypto';

/** How many acquisitions and rewritings of a process have flags of their own, one after the other. */
const COUNTED = 2 ** 24;

/** So many handings over in a row, less one, can be told by flags. */
const LINKS = 2 ** 5;

/** With counter and links below 2^53, for they travel as JSON numbers; 0 is what plain writes have. */
const PROCESS: number = randomInt(1, 2 ** 24);

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

/** Which process of ours these flags are from; some number for those of others. */
export function processOf(flags: number): number {
  return Math.floor(flags / (COUNTED * LINKS));
}

/** Whether they are as those of this library; plain writes have 0, and hardly anybody gives any as large. */
export function areOfALock(flags: number): boolean {
  return processOf(flags) > 0;
}

/** How often this lock of ours has been handed over in a row; some number for those of others. */
export function linksOf(flags: number): number {
  return flags % LINKS;
}
