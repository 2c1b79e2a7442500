import { setTimeout as pause } from 'node:timers/promises';
import { consulFromEnv } from '../lib/index.ts';

/** Past caches and deposed leaders: the proof is about what Consul has, not about what it had. */
const strictly = { consistent: true, timeout: 5_000 };

/** Looks at Consul itself, beside the locks: the counter, and what is left under a prefix and a session's name. */
export class Look implements Disposable {
  readonly #client = consulFromEnv();
  readonly #counterKey: string;
  readonly #prefix: string;
  readonly #sessionName: string;

  constructor(of: { counterKey: string; prefix: string; sessionName: string }) {
    this.#counterKey = of.counterKey;
    this.#prefix = of.prefix;
    this.#sessionName = of.sessionName;
  }

  async createCounter(): Promise<void> {
    await this.#client.kv.set(this.#counterKey, '0');
  }

  async readCounter(): Promise<number> {
    const entry = await this.#client.kv.get({ key: this.#counterKey, ...strictly });
    return Number(entry?.Value ?? Number.NaN);
  }

  async removeCounter(): Promise<void> {
    await this.#client.kv.del(this.#counterKey);
  }

  /** What is still there when nothing changes to the better for `patienceMs`. */
  async leftBehind(patienceMs: number): Promise<string[]> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const left = await this.#left();
      if (left.length === 0 || performance.now() > deadline) return left;
      await pause(100);
    }
  }

  [Symbol.dispose](): void {
    this.#client.destroy();
  }

  async #left(): Promise<string[]> {
    const [entries, sessions] = await Promise.all([
      this.#client.kv.get({ key: this.#prefix, recurse: true, ...strictly }),
      this.#client.session.list({ ...strictly } as object),
    ]);
    return [
      ...[entries ?? []].flat().map(({ Key }) => `the key ${Key}`),
      ...sessions.filter(({ Name }) => Name === this.#sessionName).map(({ ID }) => `the session ${ID}`),
    ];
  }
}
