import type { FaultKind, LaboratoryFact } from '../history/facts.ts';
import { machineTimeMs } from '../history/machine-time.ts';

/** Numbers the faults of a run and writes down their beginning and end. */
export class FaultLog {
  readonly tell: (fact: LaboratoryFact) => void;
  #numbers = 0;

  constructor(tell: (fact: LaboratoryFact) => void) {
    this.tell = tell;
  }

  /** What `inflict` does lies within the fault's time, healing included. */
  async during(
    fault: FaultKind,
    target: string,
    detail: string,
    inflict: () => Promise<void>,
  ): Promise<void> {
    const number = ++this.#numbers;
    this.tell({ kind: 'fault', at: machineTimeMs(), number, fault, target, detail });
    try {
      await inflict();
    } finally {
      this.tell({ kind: 'healed', at: machineTimeMs(), number });
    }
  }
}
