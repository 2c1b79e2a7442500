import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { REQUEST_SENT } from '../measures/request-channels.ts';

/** Counts the HTTP requests that this process begins, whichever client sends them. */
export class RequestCount implements Disposable {
  readonly #counts: () => boolean;
  readonly #note = (): void => {
    if (this.#counts()) this.total += 1;
  };
  total = 0;

  constructor(counts: () => boolean = () => true) {
    this.#counts = counts;
    subscribe(REQUEST_SENT, this.#note);
  }

  [Symbol.dispose](): void {
    unsubscribe(REQUEST_SENT, this.#note);
  }
}
