const SHOWN = 5;

/** What went wrong in a contest: counted in full, told by a few examples. */
export class Failures {
  readonly #messages: string[] = [];

  note(error: unknown): void {
    const { name, message } = error as Error;
    this.#messages.push(`${name}: ${message}`);
  }

  /** As many as there were; only the first tell what they are. */
  get list(): string[] {
    return this.#messages.map((message, place) => (place < SHOWN ? message : ''));
  }
}
