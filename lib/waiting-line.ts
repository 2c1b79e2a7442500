import type { Clock } from './clock.ts';
import type { LockTerms } from './lock-terms.ts';
import type { Lot } from './lot.ts';
import { type Link, LinkedList } from './linked-list.ts';
import { PerClient } from './per-client.ts';
import { type Turns, turnsOf } from './turns.ts';
import type { StopSignal } from './stop.ts';

/** The keys that a contender wants, and how. */
export type Wanted = Omit<Lot, 'session' | 'chain'>;

/** Made once: written straight into a property, it would keep garbage alive (`letGoOfRequests`). */
const tellNobody = (): void => {};
const takeNothing = (): boolean => false;

/** The place of one who waits for a lock, among those of this process who do. */
export class Place {
  readonly wanted: Wanted;
  /** Its contender looks at what is handed over to it. Not so while it attempts by itself, or pauses. */
  isReady = false;
  readonly #line: Line;
  readonly #link: Link<Place>;
  #isServed = false;
  #serving: Promise<void> | undefined;
  #hasLeft = false;
  #notify: () => void = tellNobody;
  #onLot: (lot: Lot) => boolean = takeNothing;

  constructor(line: Line, wanted: Wanted) {
    this.#line = line;
    this.wanted = wanted;
    this.#link = line.enter(this);
  }

  get isFirst(): boolean {
    return this.#line.first === this;
  }

  /** What all of this process have seen of the others. */
  get turns(): Turns {
    return this.#line.turns;
  }

  /** Whether a lock was handed over to it: then its contender is done. */
  get isServed(): boolean {
    return this.#isServed;
  }

  /** Settles when it is known whether the lock that is being handed over goes to it; undefined when none is. */
  get serving(): Promise<void> | undefined {
    return this.#serving;
  }

  get canBeServed(): boolean {
    return this.isReady && this.#serving === undefined && !this.#isServed && !this.#hasLeft;
  }

  /** @param onLot - takes what is handed over to this place; false when its contender has given up. */
  whenServed(onLot: (lot: Lot) => boolean): void {
    this.#onLot = onLot;
  }

  /** A lock is being handed over to it; the answer is to be called when everything about that is done. */
  serve(): () => void {
    let settle = tellNobody;
    this.#serving = new Promise<void>((resolve) => {
      settle = resolve;
    });
    return () => {
      // Its own attempts, of which an earlier one may still land, count no handings over.
      if (!this.#isServed) for (const entry of this.wanted.entries) entry.countLinks(0);
      this.#serving = undefined;
      settle();
      this.tell();
      if (this.#isServed) this.#line.first?.tell();
    };
  }

  /**
   * Goes to the caller at once. The contender, and the next one, who comes forward by that, are told when the handing over is
   * done: what they have to do can wait, and the caller cannot. False when the contender has given up meanwhile.
   */
  receive(lot: Lot): boolean {
    if (this.#hasLeft || !this.#onLot(lot)) return false;
    this.#isServed = true;
    this.#line.leaveUnnoticed(this.#link);
    return true;
  }

  tell(): void {
    this.#notify();
  }

  /** Until there is news for this place, or for `atMostMs`; rejects with the signal's reason. */
  async news({ clock, signal }: { clock: Clock; signal: StopSignal }, atMostMs: number): Promise<void> {
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const end = (): void => {
        this.#notify = tellNobody;
        signal.removeEventListener('abort', onAbort);
        dispose();
      };
      const onAbort = (): void => {
        end();
        reject(signal.reason);
      };
      const onNews = (): void => {
        end();
        resolve();
      };
      const dispose = clock.schedule(atMostMs, onNews);
      signal.addEventListener('abort', onAbort, { once: true });
      this.#notify = onNews;
    });
  }

  /** Lets the next one come forward. */
  leave(): void {
    this.#hasLeft = true;
    this.#line.leave(this.#link);
  }
}

/** Those in this process who wait for the same keys, first come first served; one of them contends in Consul. */
export class Line {
  readonly turns: Turns;
  readonly #places = new LinkedList<Place>();
  readonly #onEmpty: () => void;

  constructor(turns: Turns, onEmpty: () => void) {
    this.turns = turns;
    this.#onEmpty = onEmpty;
  }

  get first(): Place | undefined {
    return this.#places.first;
  }

  enter(place: Place): Link<Place> {
    return this.#places.add(place);
  }

  leave(link: Link<Place>): void {
    const wasFirst = link.value.isFirst;
    if (this.leaveUnnoticed(link) && wasFirst) this.first?.tell();
  }

  /** The next one is told later; false when it has left before. */
  leaveUnnoticed(link: Link<Place>): boolean {
    if (!this.#places.remove(link)) return false;
    if (this.#places.isEmpty) this.#onEmpty();
    return true;
  }
}

const linesOf = new PerClient(() => new Map<string, Line>());

/** The line for this lock; undefined when nobody waits for it. */
export function lineOf({ settings: { client }, name }: LockTerms): Line | undefined {
  return linesOf.of(client).get(name);
}

export function joinLine(wanted: Wanted): Place {
  const { settings, name } = wanted.terms;
  const lines = linesOf.of(settings.client);
  let line = lines.get(name);
  if (!line) {
    line = new Line(turnsOf(settings.client, name), () => lines.delete(name));
    lines.set(name, line);
  }
  return new Place(line, wanted);
}
