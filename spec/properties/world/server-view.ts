import type { Clock } from '../../../lib/clock.ts';
import type { KvEntry } from '../../../lib/testing/fake-kv.ts';
import type { FakeStore } from '../../../lib/testing/fake-store.ts';
import type { FakeConsul } from '../../../lib/testing/index.ts';
import { fullKeyOf } from './attempt.ts';

/** That a session had a key. */
export interface Tenure {
  readonly session: string;
  /** What the holder wrote when it took the key. */
  readonly value: string;
  readonly from: number;
  to: number;
}

/** How a session came to its end, or will. */
export interface SessionRecord {
  /** Who asked for it. */
  readonly by: string;
  /** Whether the answer reached somebody who could still do something with it. */
  isKnown: boolean;
}

const NO_FLAGS = 0;

/** The server as only a spec sees it: what it has now, what it had before, and what an outsider can do to it. */
export class ServerView {
  readonly clock: Clock;
  readonly sessions: Map<string, SessionRecord> = new Map();
  readonly #fake: FakeConsul;
  readonly #store: FakeStore;
  readonly #keys: readonly string[];
  readonly #tenures = new Map<string, Tenure[]>();
  readonly #before = new Map<string, KvEntry | undefined>();
  readonly #now = new Map<string, KvEntry | undefined>();

  /** @param keys - those of locks. */
  constructor(fake: FakeConsul, keys: readonly string[]) {
    const inside = fake as unknown as { readonly store: FakeStore; readonly clock: Clock };
    this.#fake = fake;
    this.#store = inside.store;
    this.clock = inside.clock;
    this.#keys = keys.map(fullKeyOf);
    for (const key of this.#keys) this.#tenures.set(key, []);
    this.onWrite(() => this.#note());
  }

  onWrite(callback: () => void): void {
    this.#store.listeners.add(callback);
  }

  /** Time does not move while requests follow one another. */
  holdTime(): void {
    void this.#fake.kv.get('nothing');
  }

  entry(key: string): KvEntry | undefined {
    return this.#store.kv.get(key);
  }

  /** The key as it was before its last change. */
  entryBefore(key: string): KvEntry | undefined {
    return this.#before.get(key);
  }

  holderOf(key: string): Tenure | undefined {
    const last = this.#tenures.get(key)?.at(-1);
    return last?.to === Infinity ? last : undefined;
  }

  /** Who had the key at any time from `since` on. */
  tenuresSince(key: string, since: number): readonly Tenure[] {
    return (this.#tenures.get(key) ?? []).filter(({ to }) => to >= since);
  }

  hasSession(id: string): boolean {
    return this.#store.session(id) !== undefined;
  }

  get sessionIds(): string[] {
    return this.#fake.sessions().map(({ ID }) => ID);
  }

  /** The last one that was made, of those that there are. */
  get latestSession(): string | undefined {
    return [...this.sessions.keys()].findLast((id) => this.hasSession(id));
  }

  wasLockDelayed(key: string, since: number): boolean {
    const { lockDelayEnds } = this.#store as unknown as { readonly lockDelayEnds: Map<string, number> };
    return (lockDelayEnds.get(key) ?? -Infinity) >= since;
  }

  isLockDelayed(key: string): boolean {
    return this.#store.isLockDelayed(key);
  }

  endSession(id: string): boolean {
    return this.#fake.invalidateSession(id);
  }

  removeKey(key: string): void {
    this.#store.commit((index) => this.#store.kv.delete(index, key));
  }

  /** As a plain write does: whoever holds the key keeps it. */
  overwrite(key: string, value: string): void {
    this.#store.commit((index) =>
      this.#store.kv.set(index, { key, value: Buffer.from(value), flags: NO_FLAGS }),
    );
  }

  /** A session that is no lock's. */
  openSession(by: string, ttlMs: number): string {
    const id = this.#store.createSession({
      name: by,
      node: 'fake',
      lockDelayNs: 0,
      behavior: 'delete',
      ttl: `${ttlMs}ms`,
      ttlMs,
      checks: [],
    });
    this.sessions.set(id, { by, isKnown: true });
    return id;
  }

  seize(key: string, session: string, value: string): void {
    if (this.isLockDelayed(key)) return;
    this.#store.commit((index) =>
      this.#store.kv.lock(index, { key, value: Buffer.from(value), flags: NO_FLAGS }, session),
    );
  }

  #note(): void {
    const now = this.#fake.now();
    for (const key of this.#keys) {
      const entry = this.entry(key);
      const known = this.#now.get(key);
      if (entry === known) continue;
      this.#before.set(key, known);
      this.#now.set(key, entry);
      const tenures = this.#tenures.get(key)!;
      const last = this.holderOf(key);
      const session = entry?.session === '' ? undefined : entry?.session;
      // Who writes without locking changes neither the holder nor when it came to the lock.
      const isSame = last !== undefined && last.session === session && entry?.flags === NO_FLAGS;
      if (isSame) continue;
      if (last) last.to = now;
      if (entry && session !== undefined) {
        tenures.push({ session, value: entry.value.toString(), from: now, to: Infinity });
      }
    }
  }
}
