import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { machineMs } from './machine-clock.ts';
import { REQUEST_ANSWERED, REQUEST_SENT } from './request-channels.ts';

/** In microseconds, one after the other: how long each request took, and each time from an answer to the next request. */
export class RequestGaps implements Disposable {
  readonly underWay: number[] = [];
  readonly between: number[] = [];
  readonly #counts: () => boolean;
  #startedAt: number | undefined;
  #answeredAt: number | undefined;

  /** For processes that have one request under way at a time. */
  constructor(counts: () => boolean) {
    this.#counts = counts;
    subscribe(REQUEST_SENT, this.#noteStart);
    subscribe(REQUEST_ANSWERED, this.#noteAnswer);
  }

  readonly #noteStart = (): void => {
    this.#startedAt = machineMs();
    if (this.#answeredAt !== undefined && this.#counts())
      this.between.push((this.#startedAt - this.#answeredAt) * 1_000);
    this.#answeredAt = undefined;
  };

  readonly #noteAnswer = (): void => {
    this.#answeredAt = machineMs();
    if (this.#startedAt !== undefined && this.#counts())
      this.underWay.push((this.#answeredAt - this.#startedAt) * 1_000);
  };

  [Symbol.dispose](): void {
    unsubscribe(REQUEST_SENT, this.#noteStart);
    unsubscribe(REQUEST_ANSWERED, this.#noteAnswer);
  }
}
