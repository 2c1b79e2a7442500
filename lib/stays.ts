/** Of how long such a stay usually takes, in which nobody need look. */
const UNWATCHED = 0.6;

/** Nobody looks away for longer, for what is usual may change. */
const LONGEST_REST_MS = 100;

/** Of each longer stay than usual, in a mean; a shorter one counts at once. */
const LONGER = 0.25;

/**
 * How long another process keeps a lock to itself when it hands it over among its own callers: each of these handings over
 * would wake all who watch the key in Consul, and none of them can be served before the end of it.
 */
export class Stays {
  #process: number | undefined;
  #flags = 0;
  #beganAt = 0;
  #isHandedOver = false;
  #usualMs = 0;

  /** This process has the lock, by an entry with these flags. */
  saw(process: number, flags: number): void {
    if (process !== this.#process) {
      this.ended();
      this.#process = process;
      this.#beganAt = performance.now();
      this.#isHandedOver = false;
    } else if (flags !== this.#flags) {
      this.#isHandedOver = true;
    }
    this.#flags = flags;
  }

  /** The lock came free, or went to another process. */
  ended(): void {
    if (this.#process === undefined) return;
    this.#process = undefined;
    const tookMs = performance.now() - this.#beganAt;
    if (!this.#isHandedOver) this.#usualMs = 0;
    else if (this.#usualMs === 0 || tookMs < this.#usualMs) this.#usualMs = tookMs;
    else this.#usualMs += LONGER * (tookMs - this.#usualMs);
  }

  /** For how long there is no use in watching. */
  restMs(): number {
    if (!this.#isHandedOver) return 0;
    const restMs = UNWATCHED * this.#usualMs - (performance.now() - this.#beganAt);
    return Math.min(LONGEST_REST_MS, Math.max(0, restMs));
  }
}
