import { PATIENT, type BenchLock, type Contestant, type Release } from '../contestants/contestant.ts';
import { machineMs } from '../measures/machine-clock.ts';
import type { Moments } from './messages.ts';

/** One side of a hand-over: takes and gives back when it is told to, and says when that was. */
export class Hand {
  readonly #contestant: Contestant;
  readonly #locks = new Map<string, BenchLock>();
  #release: Release = async () => {
    throw new Error('there is nothing to release');
  };

  constructor(contestant: Contestant) {
    this.#contestant = contestant;
  }

  async acquire(key: string): Promise<Moments> {
    const lock = this.#locks.get(key) ?? this.#contestant.lockOn(key, PATIENT);
    this.#locks.set(key, lock);
    const calledAt = machineMs();
    this.#release = await lock.acquire();
    return { calledAt, settledAt: machineMs() };
  }

  async release(): Promise<Moments> {
    const calledAt = machineMs();
    await this.#release();
    return { calledAt, settledAt: machineMs() };
  }
}
