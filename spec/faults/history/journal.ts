import { closeSync, openSync, writeSync } from 'node:fs';
import type { Fact } from './facts.ts';

/** Facts as lines of JSON. Each is with the system before `write` returns, so that SIGKILL takes none of them back. */
export class Journal {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, 'a');
  }

  write(fact: Fact): void {
    writeSync(this.#file, `${JSON.stringify(fact)}\n`);
  }

  close(): void {
    closeSync(this.#file);
  }
}
