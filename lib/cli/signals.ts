const PASSED = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'] as const;

/** The same Ctrl-C may come twice: from the terminal, and from a parent that passes it on, as npm does. */
const REPEATED_AFTER_MS = 1_000;

type Listener = (signal: NodeJS.Signals) => void;

/** The signals that a command is to get, as long as somebody listens; without a listener they are ignored. */
export class Signals implements Disposable {
  #listener: Listener = () => {};
  readonly #onSignal = (signal: NodeJS.Signals): void => this.#listener(signal);

  constructor() {
    for (const signal of PASSED) process.on(signal, this.#onSignal);
  }

  /** In place of who listened before. */
  listen(listener: Listener): void {
    this.#listener = listener;
  }

  [Symbol.dispose](): void {
    for (const signal of PASSED) process.off(signal, this.#onSignal);
  }
}

/** Whether a signal asks to end. */
export function asksToEnd(signal: NodeJS.Signals): boolean {
  return signal !== 'SIGUSR1' && signal !== 'SIGUSR2';
}

/** Hears only what comes a second after now: who asks again then is in earnest. */
export function inEarnest(listener: Listener): Listener {
  const since = performance.now();
  return (signal) => {
    if (asksToEnd(signal) && performance.now() - since >= REPEATED_AFTER_MS) listener(signal);
  };
}
