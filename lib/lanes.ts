import { LinkedList } from './linked-list.ts';
import { PerClient } from './per-client.ts';
import type { StopSignal } from './stop.ts';

/**
 * What a request is sent for. Consul closes every connection from one address beyond the 200th, of whatever process
 * (`http_max_conns_per_client`; measured on 1.8.7), so that each purpose has a number of connections of its own: who
 * holds a lock never waits for one behind those who want one.
 */
export type Lane = 'opening' | 'contending' | 'waiting' | 'holding';

/** In all no more than 140 for one client; who opens a session shares with those who take a key by theirs. */
const MOST_AT_ONCE: Readonly<Record<Exclude<Lane, 'opening'>, number>> = {
  contending: 60,
  waiting: 32,
  holding: 48,
};

/** Requests for one purpose, so many at once; the others stand in line, before their time begins to count. */
export class Traffic {
  readonly #mostAtOnce: number;
  readonly #standing = new LinkedList<() => void>();
  /** Behind all others: what is begun is to be finished before more is. */
  readonly #standingBehind = new LinkedList<() => void>();
  #underWay = 0;

  constructor(mostAtOnce: number) {
    this.#mostAtOnce = mostAtOnce;
  }

  /** Whether another request would have to stand in line. */
  get isFull(): boolean {
    return this.#underWay >= this.#mostAtOnce;
  }

  /** Undefined when the request may go at once; rejects with the signal's reason. */
  enter(
    signal: StopSignal | undefined,
    { behind = false }: { behind?: boolean } = {},
  ): Promise<void> | undefined {
    if (!this.isFull) {
      this.#underWay++;
      return undefined;
    }
    const standing = behind ? this.#standingBehind : this.#standing;
    return new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        standing.remove(link);
        if (signal) reject(signal.reason);
      };
      const go = (): void => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      const link = standing.add(go);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** The next in line takes over the place. */
  leave(): void {
    const next = this.#standing.shift() ?? this.#standingBehind.shift();
    if (next) next();
    else this.#underWay--;
  }
}

/** Shared by all who use a client. */
export type Lanes = Readonly<Record<Lane, Traffic>>;

export const lanesOf: PerClient<Lanes> = new PerClient(() => {
  const contending = new Traffic(MOST_AT_ONCE.contending);
  return {
    opening: contending,
    contending,
    waiting: new Traffic(MOST_AT_ONCE.waiting),
    holding: new Traffic(MOST_AT_ONCE.holding),
  };
});
