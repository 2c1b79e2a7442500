/** A lock that this process holds. */
export interface Holding {
  /** Tells the holder to stop; the lock stays held. */
  warnOfShutdown(): void;
  /** Gives the lock back whatever its holder does. */
  end(): Promise<void>;
}

/** What this process has under way with locks, so that it can be ended in an orderly manner. */
class Lifecycle {
  #shutDown = false;
  readonly #waiters = new Set<() => void>();
  readonly #holdings = new Set<Holding>();
  readonly #onNoHolding = new Set<() => void>();
  readonly #underWay = new Set<Promise<unknown>>();

  get isShutDown(): boolean {
    return this.#shutDown;
  }

  /** Refuses what comes later, and every waiter. */
  shutDown(): void {
    this.#shutDown = true;
    for (const refuse of this.#waiters) refuse();
  }

  /** Lets locks be taken again, after `shutDown`. */
  reopen(): void {
    this.#shutDown = false;
  }

  /** Runs `refuse` at shutdown; the answer takes it back. */
  onShutDown(refuse: () => void): () => void {
    this.#waiters.add(refuse);
    return () => this.#waiters.delete(refuse);
  }

  get holdings(): readonly Holding[] {
    return [...this.#holdings];
  }

  /** The answer takes the holding back. */
  addHolding(holding: Holding): () => void {
    this.#holdings.add(holding);
    return () => {
      this.#holdings.delete(holding);
      if (this.#holdings.size > 0) return;
      for (const resolve of this.#onNoHolding) resolve();
      this.#onNoHolding.clear();
    };
  }

  /** Settles when no lock is held any longer. */
  async allReleased(): Promise<void> {
    if (this.#holdings.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onNoHolding.add(resolve);
    });
  }

  /** Remembers what is under way until it has settled. */
  keep(work: Promise<unknown>): void {
    this.#underWay.add(work);
    const forget = (): boolean => this.#underWay.delete(work);
    work.then(forget, forget);
  }

  /** Settles when nothing is under way any longer. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }
}

/** One for the process. */
export const lifecycle: Lifecycle = new Lifecycle();
