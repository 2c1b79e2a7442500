import { contenderOf, SERVER_FAULTS, type Fact } from '../history/facts.ts';
import { factsOf, meet, type Interval } from './handles.ts';

/** The lines run in the laboratory's process; it may be late by this much without being in the way. */
export const LAB_LATE_MS = 200;

/** When nothing stood between a contender and Consul, as far as the laboratory knows. */
export class QuietTimes {
  readonly #all: Interval[] = [];
  readonly #ofContender = new Map<string, Interval[]>();

  constructor(facts: readonly Fact[]) {
    const ends = new Map(factsOf(facts, 'healed').map(({ number, at }) => [number, at]));
    for (const { number, fault, target, at } of factsOf(facts, 'fault')) {
      const time = { from: at, to: ends.get(number) ?? Infinity };
      const isOfAll = (SERVER_FAULTS as readonly string[]).includes(fault);
      if (isOfAll) this.#all.push(time);
      else this.#ofContender.set(target, [...(this.#ofContender.get(target) ?? []), time]);
    }
    for (const { before, at } of factsOf(facts, 'election')) this.#all.push({ from: before, to: at });
    for (const { before, at } of factsOf(facts, 'lab-blocked')) {
      if (at - before > LAB_LATE_MS) this.#all.push({ from: before, to: at });
    }
  }

  isQuiet(process: string, time: Interval): boolean {
    const disturbances = [...this.#all, ...(this.#ofContender.get(contenderOf(process)) ?? [])];
    return !disturbances.some((disturbance) => meet(disturbance, time));
  }
}
