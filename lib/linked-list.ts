/**
 * Things in the order in which they came, each of which can leave at any time.
 *
 * Not a `Set` where many come and go: V8 has each table that a set has outgrown point to the one after it, and leaves in it
 * what was there. As soon as one of them is old, all that ever follows survives until the next full collection of garbage
 * (seen on Node 20 by `--trace-gc`, with 50 callers of one lock). What has left a list refers to no other.
 */
export class LinkedList<T> {
  #first: Link<T> | undefined;
  #last: Link<T> | undefined;

  get isEmpty(): boolean {
    return this.#first === undefined;
  }

  get first(): T | undefined {
    return this.#first?.value;
  }

  get last(): T | undefined {
    return this.#last?.value;
  }

  /** As they are now, in order. */
  toArray(): T[] {
    const values: T[] = [];
    for (let link = this.#first; link; link = link.next) values.push(link.value);
    return values;
  }

  /** Adds it at the end; the answer is what it leaves by. */
  add(value: T): Link<T> {
    const link: Link<T> = { value, isIn: true, previous: this.#last, next: undefined };
    if (this.#last) this.#last.next = link;
    else this.#first = link;
    this.#last = link;
    return link;
  }

  /** Takes the first one out. */
  shift(): T | undefined {
    const link = this.#first;
    if (link) this.remove(link);
    return link?.value;
  }

  /** False when it has left before. */
  remove(link: Link<T>): boolean {
    if (!link.isIn) return false;
    const { previous, next } = link;
    if (previous) previous.next = next;
    else this.#first = next;
    if (next) next.previous = previous;
    else this.#last = previous;
    link.isIn = false;
    link.previous = undefined;
    link.next = undefined;
    return true;
  }
}

/** Something's place in a list. */
export interface Link<T> {
  readonly value: T;
  isIn: boolean;
  previous: Link<T> | undefined;
  next: Link<T> | undefined;
}
