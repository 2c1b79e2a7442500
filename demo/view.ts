import type { Scene } from './acts.ts';
import { LiveView } from './live-view.ts';
import { PlainView } from './plain-view.ts';

/** What every view is told at its beginning. */
export interface Playbill {
  readonly cast: readonly string[];
  readonly turns: number;
  readonly beganAt: number;
  /** For how long a dead holder's lock stays taken. */
  readonly stuckMs: number;
}

/** Shows what happens while it happens. */
export interface View {
  show(scene: Scene): void;
  close(): void;
}

/** Messages of several processes come in any order within a moment; after this long they can be told in theirs. */
const SORTING_MS = 40;

export function openView(playbill: Playbill): View {
  const { isTTY, rows, columns } = process.stdout;
  const isRoomy = rows > playbill.cast.length + 8 && columns >= 72;
  const isLive = isTTY && isRoomy && !process.env['CI'] && process.env['TERM'] !== 'dumb';
  return new InOrder(isLive ? new LiveView(playbill) : new PlainView(playbill));
}

/** Hands scenes on in the order in which they happened. */
class InOrder implements View {
  readonly #view: View;
  #early: Scene[] = [];

  constructor(view: View) {
    this.#view = view;
  }

  show(scene: Scene): void {
    this.#early.push(scene);
    setTimeout(() => this.#handOn(scene.at), SORTING_MS);
  }

  close(): void {
    this.#handOn(Infinity);
    this.#view.close();
  }

  #handOn(upTo: number): void {
    const due = this.#early.filter(({ at }) => at <= upTo).toSorted((one, other) => one.at - other.at);
    this.#early = this.#early.filter(({ at }) => at > upTo);
    for (const scene of due) this.#view.show(scene);
  }
}
