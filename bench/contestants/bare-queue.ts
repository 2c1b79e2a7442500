import { ClientTransactions, VALUE } from './client-transactions.ts';
import type { BenchLock, Contestant, Release } from './contestant.ts';

const MOST_IN_A_ROW = 32;

/** Lets a waiter go on. */
type Enter = (release: Release | Promise<Release>) => void;

/**
 * The least that is a lock for the callers of one process: a line of them, and the writes that consul-lock sends for them, by the
 * `consul` client. Nothing of it has a limit or a deadline, is tried again or told when the lock is lost.
 */
export async function openBareQueue(address: string): Promise<Contestant> {
  const consul = await ClientTransactions.open(address);
  const queues = new Map<string, BareQueue>();
  const lockOn = (key: string): BareQueue => {
    const queue = queues.get(key) ?? new BareQueue(consul, key);
    queues.set(key, queue);
    return queue;
  };
  return { lockOn, close: async () => await consul.close() };
}

class BareQueue implements BenchLock {
  readonly #consul: ClientTransactions;
  readonly #key: string;
  readonly #waiting: Enter[] = [];
  #isTaken = false;
  #flags = 0;

  constructor(consul: ClientTransactions, key: string) {
    this.#consul = consul;
    this.#key = key;
  }

  async acquire(): Promise<Release> {
    if (this.#isTaken) {
      return await new Promise<Release>((enter) => {
        this.#waiting.push(enter);
      });
    }
    this.#isTaken = true;
    return await this.#take();
  }

  async #take(): Promise<Release> {
    const token = await this.#consul.commit([
      { Verb: 'check-not-exists', Key: this.#key },
      { Verb: 'lock', ...this.#content(), Session: this.#consul.session },
    ]);
    return this.#release(token, 0);
  }

  #release(token: number, links: number): Release {
    return async () => {
      const heir = links < MOST_IN_A_ROW ? this.#waiting.shift() : undefined;
      await (heir ? this.#handOver(heir, token, links + 1) : this.#giveBack(token));
    };
  }

  async #handOver(enter: Enter, Index: number, links: number): Promise<void> {
    const token = await this.#consul.commit([{ Verb: 'cas', ...this.#content(), Index }]);
    enter(this.#release(token, links));
    // The heir goes first, as with us.
    await new Promise((resolve) => setImmediate(resolve));
  }

  async #giveBack(Index: number): Promise<void> {
    await this.#consul.commit([
      { Verb: 'check-session', Key: this.#key, Session: this.#consul.session },
      { Verb: 'delete-cas', Key: this.#key, Index },
    ]);
    const next = this.#waiting.shift();
    this.#isTaken = next !== undefined;
    next?.(this.#take());
  }

  /** Other flags each time: a write that changes nothing does not move the key's index. */
  #content(): object {
    this.#flags += 1;
    return { Key: this.#key, Value: VALUE, Flags: this.#flags };
  }
}
