import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** That the demo is to stop before its end: by a signal, or because nobody reads it any longer. */
export class Interruption implements Disposable {
  readonly #controller = new AbortController();
  readonly #end = (exitCode: number): void => {
    this.exitCode ??= exitCode;
    this.#controller.abort(new Error('interrupted'));
  };
  readonly #timer: NodeJS.Timeout;
  /** What the process is to end with, once it was interrupted. */
  exitCode: number | undefined;

  constructor() {
    // Once: a second signal ends us on the spot.
    for (const signal of SIGNALS) process.once(signal, () => this.#end(128 + constants.signals[signal]));
    // The reader of a pipe may have seen enough.
    process.stdout.on('error', () => this.#end(128 + constants.signals.SIGPIPE));
    // A signal that ends npm does not always reach what npm runs.
    const parent = process.ppid;
    this.#timer = setInterval(() => process.ppid !== parent && this.#end(1), 250);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Settles as the promise does, or rejects at the interruption. */
  async orElse<T>(promise: Promise<T>): Promise<T> {
    this.signal.throwIfAborted();
    return await new Promise((resolve, reject) => {
      this.signal.addEventListener('abort', () => reject(this.signal.reason as Error), { once: true });
      promise.then(resolve, reject);
    });
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
