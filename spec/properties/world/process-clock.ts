import type { Clock, Instant } from '../../../lib/clock.ts';

type Callback = () => void;

/**
 * The time of one process. It follows the world's; what falls due while the process is paused waits for its going on, as
 * timers do when an event loop is blocked or a machine is suspended.
 */
export class ProcessClock implements Clock {
  readonly #world: Clock;
  readonly #timers = new Set<Callback>();
  /** What fell due, or was answered, during the pause; undefined while there is none. */
  #backlog: { readonly timers: Callback[]; readonly answers: Callback[] } | undefined;
  #pausedMs = 0;
  #pausedAt: Instant | undefined;
  #wallOffsetMs = 0;
  readonly #onStir: Callback;
  readonly #holdTime: Callback;

  /**
   * @param onStir - is called whenever something of this process runs.
   * @param holdTime - keeps the world's time from moving on for a few turns of the event loop.
   */
  constructor(world: Clock, { onStir, holdTime }: { onStir: Callback; holdTime: Callback }) {
    this.#world = world;
    this.#onStir = onStir;
    this.#holdTime = holdTime;
  }

  /** How many timers are pending. */
  get timers(): number {
    return this.#timers.size;
  }

  get isPaused(): boolean {
    return this.#backlog !== undefined;
  }

  /** The part of the world's time in which this process ran. */
  get runningMs(): number {
    const now = this.#world.read().monotonicMs;
    return now - this.#pausedMs - (this.#pausedAt === undefined ? 0 : now - this.#pausedAt.monotonicMs);
  }

  read(): Instant {
    const { monotonicMs, wallMs } = this.#world.read();
    return { monotonicMs, wallMs: wallMs + this.#wallOffsetMs };
  }

  elapsedSince(instant: Instant): number {
    const now = this.read();
    return Math.max(0, now.monotonicMs - instant.monotonicMs, now.wallMs - instant.wallMs);
  }

  schedule(delayMs: number, callback: Callback): () => void {
    const run = (): void => {
      if (!this.#timers.delete(run)) return;
      this.#onStir();
      callback();
    };
    const fire = (): void => {
      if (this.#backlog) this.#backlog.timers.push(run);
      else run();
    };
    this.#timers.add(run);
    // A timer of Node's fires in a later turn of the loop at the earliest.
    if (!(delayMs > 0)) setImmediate(fire);
    const dispose = delayMs > 0 ? this.#world.schedule(delayMs, fire) : (): void => {};
    return () => {
      this.#timers.delete(run);
      dispose();
    };
  }

  /** Runs what comes from outside of the process, once it goes on. */
  deliver(callback: Callback): void {
    const run = (): void => {
      this.#onStir();
      callback();
    };
    if (this.#backlog) this.#backlog.answers.push(run);
    else run();
  }

  /** Whether its wall clock was ever set. */
  get isSet(): boolean {
    return this.#wallOffsetMs !== 0;
  }

  /** The wall clock is set, forwards or back. */
  setWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  /** @param onWaking - is the first to run when the process goes on. */
  pause(ms: number, { first, onWaking }: { first: 'timers' | 'answers'; onWaking: Callback }): void {
    if (this.#backlog) return;
    this.#backlog = { timers: [], answers: [] };
    this.#pausedAt = this.#world.read();
    this.#world.schedule(ms, () => {
      const { timers, answers } = this.#backlog!;
      this.#pausedMs += this.#world.elapsedSince(this.#pausedAt!);
      this.#pausedAt = undefined;
      const order = first === 'timers' ? [timers, answers] : [answers, timers];
      onWaking();
      const goOn = (): void => {
        const next = order.find(({ length }) => length > 0)?.shift();
        if (!next) {
          this.#backlog = undefined;
          return;
        }
        next();
        this.#holdTime();
        setImmediate(goOn);
      };
      goOn();
    });
  }
}
