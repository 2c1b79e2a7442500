const REDRAWN_EVERY_MS = 1_000;

/** What is being measured: one line that is redrawn on a terminal, and a line for each contest that stays. */
export class Progress implements Disposable {
  readonly #total: number;
  readonly #beganAt = performance.now();
  readonly #timer: NodeJS.Timeout | undefined;
  #done = 0;
  #current = '';
  #currentBeganAt = 0;

  constructor(contests: number) {
    this.#total = contests;
    if (process.stdout.isTTY) this.#timer = setInterval(() => this.#show(), REDRAWN_EVERY_MS);
  }

  begin(contest: string): void {
    this.#current = contest;
    this.#currentBeganAt = performance.now();
    if (this.#timer) this.#show();
  }

  end(result: string): void {
    this.#done += 1;
    this.#clear();
    console.log(`${String(this.#done).padStart(4)}/${this.#total}  ${this.#current}  ${result}`);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#clear();
  }

  #show(): void {
    const seconds = Math.round((performance.now() - this.#currentBeganAt) / 1_000);
    const line = `${String(this.#done + 1).padStart(4)}/${this.#total}  ${this.#current}  ${seconds} s${this.#left()}`;
    this.#clear();
    process.stdout.write(line.slice(0, (process.stdout.columns ?? 80) - 1));
  }

  #left(): string {
    if (this.#done === 0) return '';
    const eachMs = (this.#currentBeganAt - this.#beganAt) / this.#done;
    return `, about ${Math.ceil(((this.#total - this.#done) * eachMs) / 60_000)} min left`;
  }

  #clear(): void {
    if (this.#timer) process.stdout.write('\r\x1b[K');
  }
}
