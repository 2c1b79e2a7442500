/** What is used of an `AbortSignal` in this house. */
export interface StopSignal {
  readonly aborted: boolean;
  /** Whatever a user's signal was aborted with, which may be no error. */
  readonly reason: Error;
  throwIfAborted(): void;
  addEventListener(type: 'abort', listener: () => void, options?: { once: true }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

const NOT_ABORTED = new Error('not aborted');

/**
 * An `AbortController` with its signal for what never leaves the house. Every acquisition and every release needs one, and
 * nearly none is ever used: Node's own, which is an `EventTarget`, costs more than all else that a release does here.
 */
export class Stop implements StopSignal {
  #aborted = false;
  #reason: Error = NOT_ABORTED;
  /** Hardly ever more than one. */
  #listener: (() => void) | undefined;
  #others: Set<() => void> | undefined;

  get signal(): StopSignal {
    return this;
  }

  get aborted(): boolean {
    return this.#aborted;
  }

  get reason(): Error {
    return this.#reason;
  }

  abort(reason: Error): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    const listeners = [this.#listener, ...(this.#others ?? [])];
    this.#listener = undefined;
    this.#others = undefined;
    for (const listener of listeners) {
      try {
        listener?.();
      } catch (error) {
        // As an `EventTarget` does: one that throws neither keeps the others from being told, nor is passed over in silence.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  throwIfAborted(): void {
    if (this.#aborted) throw this.#reason;
  }

  /** Each listener is told once, and only of what comes later. */
  addEventListener(_type: 'abort', listener: () => void): void {
    if (this.#listener === undefined) this.#listener = listener;
    else (this.#others ??= new Set()).add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    if (this.#listener === listener) this.#listener = undefined;
    else this.#others?.delete(listener);
  }
}
