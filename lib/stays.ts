import { setNewest } from './newest.ts';

/** Of how long such a stay usually takes, in which nobody need look. */
const UNWATCHED = 0.6;

/** Nobody looks away for longer, for what is usual may change. */
const LONGEST_REST_MS = 100;

/** How many processes are remembered. */
const MOST_REMEMBERED = 64;

/** Of each longer stay than usual, in a mean; a shorter one counts at once. */
const LONGER = 0.25;

/** By what one acquisition is known from others. */
export interface Grant {
  readonly flags: number;
  readonly createIndex: number;
  readonly lockIndex: number;
}

/**
 * How long other processes keep a lock to themselves when they hand it over among their own callers: each of these handings
 * over would wake all who watch the key in Consul, and none of them can be served before the end of it.
 */
export class Stays {
  #process: number | undefined;
  #grant: Grant | undefined;
  #beganAt = 0;
  #isHandedOver = false;
  /** In milliseconds, of each process that hands over. */
  readonly #usual = new Map<number, number>();

  /** This process has the lock, by this grant. */
  saw(process: number, { flags, createIndex, lockIndex }: Grant): void {
    const last = this.#process === process ? this.#grant : undefined;
    this.#grant = { flags, createIndex, lockIndex };
    // Handing over keeps them; a lock that was given back and taken again has others.
    if (last?.createIndex === createIndex && last.lockIndex === lockIndex) {
      this.#isHandedOver ||= last.flags !== flags;
      return;
    }
    this.ended();
    this.#process = process;
    this.#beganAt = performance.now();
    this.#isHandedOver = false;
  }

  /** The lock came free, or went to another process. */
  ended(): void {
    const process = this.#process;
    if (process === undefined) return;
    this.#process = undefined;
    const usualMs = this.#usualMsOf(process);
    this.#usual.delete(process);
    if (!this.#isHandedOver) return;
    const tookMs = performance.now() - this.#beganAt;
    const isShorter = usualMs === 0 || tookMs < usualMs;
    const newUsualMs = isShorter ? tookMs : usualMs + LONGER * (tookMs - usualMs);
    setNewest(this.#usual, process, newUsualMs, MOST_REMEMBERED);
  }

  /** For how long there is no use in watching. */
  restMs(): number {
    if (this.#process === undefined) return 0;
    const restMs = UNWATCHED * this.#usualMsOf(this.#process) - (performance.now() - this.#beganAt);
    return Math.min(LONGEST_REST_MS, Math.max(0, restMs));
  }

  #usualMsOf(process: number): number {
    return this.#usual.get(process) ?? 0;
  }
}
