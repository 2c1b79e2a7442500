import type { Scene } from './acts.ts';
import { paint, seconds } from './paint.ts';
import type { Playbill, View } from './view.ts';

/** A line for each event, for pipes and logs. */
export class PlainView implements View {
  readonly #playbill: Playbill;
  readonly #waitingSince = new Map<string, number>();
  readonly #holding = new Set<string>();

  constructor(playbill: Playbill) {
    this.#playbill = playbill;
    console.log(`${'time'.padStart(8)}  who   what`);
  }

  show(scene: Scene): void {
    const words = this.#words(scene);
    if (words === undefined) return;
    const time = seconds(scene.at - this.#playbill.beganAt, 2).padStart(8);
    console.log(`${paint('dim', time)}  ${scene.who.padEnd(4)}  ${words}`);
  }

  close(): void {}

  #words(scene: Scene): string | undefined {
    const { who, at } = scene;
    switch (scene.kind) {
      case 'starts':
        return `starts    as process ${scene.pid}`;
      case 'waits':
        this.#waitingSince.set(who, at);
        return 'waits';
      case 'holds': {
        const waited = seconds(at - (this.#waitingSince.get(who) ?? at), 2);
        this.#holding.add(who);
        return paint('green', `HOLDS     token ${scene.token}, after a wait of ${waited}`);
      }
      case 'reads':
        return undefined;
      case 'leaves': {
        this.#holding.delete(who);
        const counted =
          scene.counter === undefined ? 'counted nothing' : `counter ${scene.counter - 1} → ${scene.counter}`;
        return scene.isHeld ? `leaves    ${counted}` : `leaves    its time was over: ${counted}`;
      }
      case 'killed': {
        return paint(
          'red',
          !this.#holding.has(who)
            ? 'KILLED    by SIGKILL, while not holding'
            : `KILLED    by SIGKILL, while holding: only the TTL frees the lock, in about ${seconds(this.#playbill.stuckMs)}`,
        );
      }
      case 'lost':
        return `lost      ${scene.reason}`;
      case 'rests':
        return undefined;
      case 'done':
        return `done      ${this.#playbill.turns} turns`;
    }
  }
}
