import { subscribe, unsubscribe } from 'node:diagnostics_channel';

const CHANNEL = 'http.client.request.start';

/** Counts the HTTP requests that this process begins, whichever client sends them. */
export class RequestCount implements Disposable {
  readonly #counts: () => boolean;
  readonly #note = (): void => {
    if (this.#counts()) this.total += 1;
  };
  total = 0;

  constructor(counts: () => boolean = () => true) {
    this.#counts = counts;
    subscribe(CHANNEL, this.#note);
  }

  [Symbol.dispose](): void {
    unsubscribe(CHANNEL, this.#note);
  }
}
