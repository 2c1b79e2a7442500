import { setTimeout as pause } from 'node:timers/promises';
import type { Moments } from '../process/messages.ts';
import type { ContestProcess } from './contest-process.ts';
import type { Crew } from './crew.ts';

/** How long the other has waited when the holder gives back: long enough to wait where it is woken. */
export const WAITS_MS = { from: 30, to: 60 };

/** Two processes that hand one lock to and fro. */
export class HandingToAndFro {
  readonly #key: string;
  readonly #waitsMs: typeof WAITS_MS;
  #holder: ContestProcess;
  #waiter: ContestProcess;

  private constructor(crew: Crew, key: string, waitsMs: typeof WAITS_MS) {
    [this.#holder, this.#waiter] = [crew.members[0]!, crew.members[1]!];
    this.#key = key;
    this.#waitsMs = waitsMs;
  }

  static async start(crew: Crew, key: string, waitsMs = WAITS_MS): Promise<HandingToAndFro> {
    const started = new HandingToAndFro(crew, key, waitsMs);
    await started.#holder.ask('acquire', { key });
    return started;
  }

  /** From the call of `release` in one process to the handle in the other. */
  async handOver(): Promise<Moments & { readonly from: ContestProcess; readonly to: ContestProcess }> {
    const [from, to] = [this.#holder, this.#waiter];
    const waiting = to.ask('acquire', { key: this.#key });
    // Its failure is met below; until then it must not end the program.
    waiting.catch(() => {});
    await pause(this.#waitsMs.from + Math.random() * (this.#waitsMs.to - this.#waitsMs.from));
    const { calledAt } = await from.ask('release', undefined);
    const { settledAt } = await waiting;
    [this.#holder, this.#waiter] = [to, from];
    return { calledAt, settledAt, from, to };
  }

  async end(): Promise<void> {
    await this.#holder.ask('release', undefined);
  }
}
