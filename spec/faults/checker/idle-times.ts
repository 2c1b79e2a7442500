import { factsOf, type Interval } from './handles.ts';
import type { Fact } from '../history/facts.ts';

/** Times in which a process did not run: blocked, or stopped by us. */
export class IdleTimes {
  readonly #times = new Map<string, Interval[]>();

  constructor(facts: readonly Fact[]) {
    for (const { process, before, at } of factsOf(facts, 'blocked'))
      this.#add(process, { from: before, to: at });
    for (const { process, at, forMs } of factsOf(facts, 'blocks'))
      this.#add(process, { from: at, to: at + forMs });
    const stops = new Map<string, number>();
    for (const fact of facts) {
      if (fact.kind === 'stopped') stops.set(fact.process, fact.at);
      if (fact.kind !== 'continued' && fact.kind !== 'exited') continue;
      const from = stops.get(fact.process);
      if (from !== undefined) this.#add(fact.process, { from, to: fact.at });
      stops.delete(fact.process);
    }
    for (const [process, times] of this.#times) this.#times.set(process, united(times));
  }

  of(process: string): readonly Interval[] {
    return this.#times.get(process) ?? [];
  }

  /** How long of this time the process ran. */
  runningMs(process: string, { from, to }: Interval): number {
    const idleMs = this.of(process)
      .map((idle) => Math.min(to, idle.to) - Math.max(from, idle.from))
      .reduce((sum, ms) => sum + Math.max(0, ms), 0);
    return to - from - idleMs;
  }

  #add(process: string, time: Interval): void {
    const times = this.#times.get(process) ?? [];
    times.push(time);
    this.#times.set(process, times);
  }
}

function united(times: readonly Interval[]): Interval[] {
  const joined: Interval[] = [];
  for (const time of times.toSorted((one, other) => one.from - other.from)) {
    const last = joined.at(-1);
    if (last && time.from <= last.to)
      joined[joined.length - 1] = { from: last.from, to: Math.max(last.to, time.to) };
    else joined.push(time);
  }
  return joined;
}
