import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { machineMs } from './machine-clock.ts';
import { REQUEST_ANSWERED, REQUEST_SENT } from './request-channels.ts';

/**
 * For how long at least one HTTP request of this process has been under way, between two instants of the machine's clock; all of
 * them are answered.
 */
export class RequestTime implements Disposable {
  readonly #from: number;
  readonly #to: number;
  #underWay = 0;
  #since = 0;
  #totalMs = 0;

  constructor({ from, to }: { readonly from: number; readonly to: number }) {
    this.#from = from;
    this.#to = to;
    subscribe(REQUEST_SENT, this.#noteStart);
    subscribe(REQUEST_ANSWERED, this.#noteAnswer);
  }

  get totalUs(): number {
    return this.#totalMs * 1_000;
  }

  readonly #noteStart = (): void => {
    if (this.#underWay === 0) this.#since = machineMs();
    this.#underWay += 1;
  };

  readonly #noteAnswer = (): void => {
    // Of a request that was sent before this was made.
    if (this.#underWay === 0) return;
    this.#underWay -= 1;
    if (this.#underWay > 0) return;
    this.#totalMs += Math.max(0, Math.min(machineMs(), this.#to) - Math.max(this.#since, this.#from));
  };

  [Symbol.dispose](): void {
    unsubscribe(REQUEST_SENT, this.#noteStart);
    unsubscribe(REQUEST_ANSWERED, this.#noteAnswer);
  }
}
