import type { LockHandle } from '../../../lib/index.ts';
import type { Answer, ContenderFact, HandleCall } from '../history/facts.ts';
import type { Journal } from '../history/journal.ts';
import { machineTimeMs } from '../history/machine-time.ts';
import { CALL_LIMITS_MS } from './call-limits.ts';
import { failureOf } from './failure.ts';
import { Sampler } from './sampler.ts';

type Told<F = ContenderFact> = F extends unknown ? Omit<F, 'at' | 'process'> : never;

/** What a contender's process writes down of itself. */
export class Testimony {
  readonly process: string;
  readonly sampler: Sampler;
  readonly #journal: Journal;
  #ids = 0;
  #turns = 0;

  constructor(process: string, journal: Journal) {
    this.process = process;
    this.#journal = journal;
    this.sampler = new Sampler(process, (fact) => journal.write(fact));
  }

  nextId(): string {
    return `${this.process}#${++this.#ids}`;
  }

  tell(told: Told): void {
    this.#journal.write({ at: machineTimeMs(), process: this.process, ...told });
  }

  /** Of a time that began earlier. */
  tellBlocked(before: number, at: number): void {
    this.#journal.write({ at, process: this.process, kind: 'blocked', before });
  }

  watch(id: string, handle: LockHandle): void {
    const { signal } = handle;
    this.tell({ kind: 'watched', id });
    const onLost = (): void => this.tell({ kind: 'lost', id, reason: failureOf(signal.reason).message });
    if (signal.aborted) onLost();
    else signal.addEventListener('abort', onLost, { once: true });
  }

  /** A call of a handle, told before and after; its failure is told and goes no further. */
  async call(id: string, call: HandleCall, work: () => Promise<Answer>): Promise<Answer> {
    const turn = ++this.#turns;
    this.tell({ kind: 'call', id, call, turn, limitMs: CALL_LIMITS_MS[call] });
    const answer = await work().catch((error: unknown): Answer => failureOf(error));
    this.tell({ kind: 'answer', id, turn, ...answer });
    return answer;
  }
}
