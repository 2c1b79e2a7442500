import type { LaboratoryFact } from '../history/facts.ts';
import { LiveCount } from './live-count.ts';

const REDRAWN_EVERY_MS = 1_000;
const PRINTED_EVERY_MS = 15_000;

/** One line that says how far a run is: redrawn on a terminal, now and then printed elsewhere. */
export class Progress implements Disposable {
  readonly #minutes: number;
  readonly #acquired: LiveCount;
  readonly #timer: NodeJS.Timeout;
  #phase = 'starting the cluster';
  #beganAt: number | undefined;
  #faults = 0;
  #elections = 0;
  readonly #active = new Map<number, string>();

  constructor(folder: string, minutes: number) {
    this.#minutes = minutes;
    this.#acquired = new LiveCount(folder, '"kind":"acquired"');
    this.#timer = setInterval(() => this.#show(), process.stdout.isTTY ? REDRAWN_EVERY_MS : PRINTED_EVERY_MS);
  }

  note(fact: LaboratoryFact): void {
    switch (fact.kind) {
      case 'run':
        this.#phase = 'breaking things';
        this.#beganAt = performance.now();
        break;
      case 'fault':
        this.#faults++;
        this.#active.set(fact.number, `${fact.fault} ${fact.target}`);
        break;
      case 'healed':
        this.#active.delete(fact.number);
        break;
      case 'election':
        this.#elections++;
        break;
      case 'exited':
        if (fact.asked && fact.how === '0') this.#phase = 'healed, the contenders leave';
        break;
      case 'healthy':
        this.#phase = 'healthy, taking every key again';
        break;
      case 'left':
        this.#phase = 'checking';
        break;
      case 'continued':
      case 'key-seen':
      case 'lab-blocked':
      case 'registers':
      case 'removal':
      case 'request':
      case 'retaken':
      case 'stopped':
      case 'trouble':
      case 'turned-away':
        break;
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
  }

  #show(): void {
    const seconds = this.#beganAt === undefined ? 0 : Math.round((performance.now() - this.#beganAt) / 1_000);
    const line =
      `${seconds} of ${Math.round(this.#minutes * 60)} s, ${this.#phase}: ${this.#acquired.count} acquisitions, ` +
      `${this.#faults} faults, ${this.#elections} elections ${[...this.#active.values()].join(', ')}`;
    if (process.stdout.isTTY)
      process.stdout.write(`\r\x1b[K${line.slice(0, (process.stdout.columns ?? 80) - 1)}`);
    else console.log(line);
  }
}
