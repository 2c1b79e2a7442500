import { inspect } from 'node:util';

/** What happened in a world, to be told when a rule is broken. */
export class History {
  readonly #notes: (readonly unknown[])[] = [];

  /** Put into words only when it is told, which hardly ever happens. */
  note(...what: readonly unknown[]): void {
    this.#notes.push(what);
  }

  toString(): string {
    return this.#notes.map((note) => note.map(shown).join(' ')).join('\n');
  }
}

function shown(part: unknown): string {
  if (typeof part === 'string') return part;
  if (typeof part === 'number') return String(Math.round(part * 1_000) / 1_000);
  return part instanceof Error ? String(part) : inspect(part, { breakLength: Infinity, depth: 5 });
}
