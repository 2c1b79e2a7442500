import type { Parameters } from 'fast-check';

const { PROPERTY_SEED: seed, PROPERTY_PATH: path, PROPERTY_FACTOR: factor = '1' } = process.env;

/** So many sequences, or a multiple of that. */
export function numberOf(sequences: number): number {
  return Math.ceil(sequences * Number(factor));
}

/**
 * Sequences are drawn anew each time. A failure tells the seed and the path of what it found, and `PROPERTY_SEED` and
 * `PROPERTY_PATH` bring that back; `PROPERTY_FACTOR` multiplies the number of sequences. What was found is told, as short as
 * it got, before the limit of the spec ends the search for a shorter one and hides it.
 */
export function runs<Ts>(sequences: number, limitMs: number): Parameters<Ts> {
  return {
    numRuns: numberOf(sequences),
    interruptAfterTimeLimit: limitMs * 0.8,
    markInterruptAsFailure: true,
    ...(seed !== undefined && { seed: Number(seed) }),
    ...(path !== undefined && { path }),
  };
}

/** Counts the sequences that were run: a property that runs none passes as well. */
export class Tally {
  #count = 0;

  add(): void {
    this.#count++;
  }

  /** False when fewer were run than were to be; a path is of one sequence alone. */
  hasReached(sequences: number): boolean {
    return path !== undefined || this.#count >= numberOf(sequences);
  }
}
