import { LinkedList } from './linked-list.ts';

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
  readonly #waiters = new LinkedList<() => void>();
  readonly #holdings = new LinkedList<Holding>();
  readonly #underWay = new LinkedList<Promise<unknown>>();
  #onNoHolding: (() => void)[] = [];

  get isShutDown(): boolean {
    return this.#shutDown;
  }

  /** Refuses what comes later, and every waiter. */
  shutDown(): void {
    this.#shutDown = true;
    for (const refuse of this.#waiters.toArray()) refuse();
  }

  /** Lets locks be taken again, after `shutDown`. */
  reopen(): void {
    this.#shutDown = false;
  }

  /** Runs `refuse` at shutdown; the answer takes it back. */
  onShutDown(refuse: () => void): () => void {
    const link = this.#waiters.add(refuse);
    return () => this.#waiters.remove(link);
  }

  get holdings(): readonly Holding[] {
    return this.#holdings.toArray();
  }

  /** The answer takes the holding back. */
  addHolding(holding: Holding): () => void {
    const link = this.#holdings.add(holding);
    return () => {
      this.#holdings.remove(link);
      if (!this.#holdings.isEmpty) return;
      for (const resolve of this.#onNoHolding) resolve();
      this.#onNoHolding = [];
    };
  }

  /** Settles when no lock is held any longer. */
  async allReleased(): Promise<void> {
    if (this.#holdings.isEmpty) return;
    await new Promise<void>((resolve) => {
      this.#onNoHolding.push(resolve);
    });
  }

  /** Remembers what is under way until it has settled. */
  keep(work: Promise<unknown>): void {
    const link = this.#underWay.add(work);
    const forget = (): boolean => this.#underWay.remove(link);
    work.then(forget, forget);
  }

  /** Settles when nothing is under way any longer. */
  async settled(): Promise<void> {
    while (!this.#underWay.isEmpty) await Promise.allSettled(this.#underWay.toArray());
  }
}

/** One for the process. */
export const lifecycle: Lifecycle = new Lifecycle();
