import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';

const PIECE = Buffer.alloc(1 << 20);

/** How often a text stands in the journals of a folder that are still being written. */
export class LiveCount {
  readonly #folder: string;
  readonly #text: string;
  readonly #read = new Map<string, number>();
  #rest = new Map<string, string>();
  #count = 0;

  constructor(folder: string, text: string) {
    this.#folder = folder;
    this.#text = text;
  }

  get count(): number {
    for (const name of readdirSync(this.#folder)) if (name.endsWith('.jsonl')) this.#readOn(name);
    return this.#count;
  }

  #readOn(name: string): void {
    const file = openSync(join(this.#folder, name), 'r');
    try {
      for (;;) {
        const from = this.#read.get(name) ?? 0;
        const length = readSync(file, PIECE, 0, PIECE.length, from);
        if (length === 0) return;
        this.#read.set(name, from + length);
        const pieces = ((this.#rest.get(name) ?? '') + PIECE.toString('latin1', 0, length)).split(this.#text);
        this.#count += pieces.length - 1;
        this.#rest.set(name, pieces.at(-1)!.slice(1 - this.#text.length));
      }
    } finally {
      closeSync(file);
    }
  }
}
