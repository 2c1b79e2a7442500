import type { Scene } from './acts.ts';
import type { Hold } from './proof.ts';

type Opening = Omit<Hold, 'until' | 'end'> & { readonly believesUntil: number };

interface Wait {
  readonly who: string;
  readonly ms: number;
}

/** What happened, put together from what each contender told. */
export class History {
  readonly holds: Hold[] = [];
  readonly waits: Wait[] = [];
  /** Deaths, while holding or not. */
  readonly deaths: { readonly who: string; readonly at: number; readonly whileHolding: boolean }[] = [];
  readonly #waiting = new Map<string, number>();
  readonly #holding = new Map<string, Opening>();

  isHolding(who: string): boolean {
    return this.#holding.has(who);
  }

  add(scene: Scene): void {
    const { who, at } = scene;
    switch (scene.kind) {
      case 'waits':
        this.#waiting.set(who, at);
        break;
      case 'holds':
        this.#holding.set(who, {
          who,
          token: scene.token,
          from: at,
          believesUntil: scene.believesUntil,
          believedAtStart: scene.isHeld,
        });
        this.#endWait(who, at);
        break;
      case 'reads':
        this.#holding.set(who, { ...this.#holding.get(who)!, read: scene.counter });
        break;
      case 'leaves':
        // Up to here it may have believed, but never past its deadline if it saw that.
        this.#endHold(
          who,
          scene.isHeld ? 'left' : 'lost',
          (deadline) => (scene.isHeld ? at : Math.min(at, deadline)),
          scene.counter,
        );
        break;
      case 'killed':
        this.deaths.push({ who, at, whileHolding: this.isHolding(who) });
        // As if it were only asleep: it would believe until its deadline.
        this.#endHold(who, 'killed', (deadline) => Math.max(at, deadline));
        this.#endWait(who, at);
        break;
      case 'starts':
      case 'rests':
      case 'lost':
      case 'done':
        break;
    }
  }

  #endWait(who: string, at: number): void {
    const since = this.#waiting.get(who);
    if (since !== undefined) this.waits.push({ who, ms: at - since });
    this.#waiting.delete(who);
  }

  #endHold(who: string, end: Hold['end'], until: (deadline: number) => number, wrote?: number): void {
    const opening = this.#holding.get(who);
    if (!opening) return;
    const { believesUntil, ...hold } = opening;
    this.holds.push({ ...hold, until: until(believesUntil), end, ...(wrote !== undefined && { wrote }) });
    this.#holding.delete(who);
  }
}
