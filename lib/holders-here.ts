import type { ConsulClient } from './consul-client.ts';
import { PerClient } from './per-client.ts';

/** A lock of this process: held, or being given back. */
export interface HolderHere {
  readonly fullKeys: readonly string[];
  readonly sessionId: string;
  /** By its clock. */
  readonly isHeld: boolean;
  /** The fencing token that it has for one of its keys. */
  tokenOf(fullKey: string): number;
  /** Asks Consul, and counts as lost from then on if it is; rejects when Consul does not say. */
  prove(): Promise<void>;
  /** Somebody else here has taken one of its keys, which is proof that it is lost. */
  dispossess(): void;
}

/** Who in this process has which keys of one datacenter, as one client knows it. */
export class HoldersHere {
  readonly #holders = new Groups<HolderHere>();
  readonly #onGone = new Groups<() => void>();

  /** The answer takes the holder away, and tells those that wait for one of its keys if nobody else here has it. */
  add(holder: HolderHere): () => void {
    for (const key of holder.fullKeys) this.#holders.add(key, holder);
    return () => {
      for (const key of holder.fullKeys) {
        this.#holders.remove(key, holder);
        if (this.#holders.has(key)) continue;
        for (const callback of this.#onGone.of(key)) callback();
      }
    };
  }

  of(fullKey: string): readonly HolderHere[] {
    return this.#holders.of(fullKey);
  }

  /**
   * Whoever here still counts on these keys, which have been taken by these tokens, has lost them, but for one that took them later:
   * that one is told.
   */
  dispossess(taken: readonly { readonly fullKey: string; readonly token: number }[]): HolderHere | undefined {
    let later: HolderHere | undefined;
    for (const { fullKey, token } of taken) {
      for (const holder of this.of(fullKey)) {
        if (!holder.isHeld) continue;
        // After a snapshot was restored, a greater token may be the older one.
        if (holder.tokenOf(fullKey) > token) later ??= holder;
        else holder.dispossess();
      }
    }
    return later;
  }

  /** The first of these keys that is held here by the clock. */
  heldAmong(fullKeys: readonly string[]): string | undefined {
    return fullKeys.find((key) => this.of(key).some(({ isHeld }) => isHeld));
  }

  /** The first of these keys that is held here, or being given back. */
  occupiedAmong(fullKeys: readonly string[]): string | undefined {
    return fullKeys.find((key) => this.#holders.has(key));
  }

  /** Runs `callback` whenever one of these keys is no longer held here by anybody; the answer takes it back. */
  whenGone(fullKeys: readonly string[], callback: () => void): () => void {
    for (const key of fullKeys) this.#onGone.add(key, callback);
    return () => {
      for (const key of fullKeys) this.#onGone.remove(key, callback);
    };
  }
}

const NONE: readonly never[] = [];

/** Lists by keys. They are emptied in place, so that what has left is found in no old table of a map (`LinkedList`). */
class Groups<T> {
  readonly #byKey = new Map<string, T[]>();

  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  /** As they are now. */
  of(key: string): readonly T[] {
    const group = this.#byKey.get(key);
    return group ? [...group] : NONE;
  }

  add(key: string, value: T): void {
    const group = this.#byKey.get(key);
    if (group) group.push(value);
    else this.#byKey.set(key, [value]);
  }

  remove(key: string, value: T): void {
    const group = this.#byKey.get(key);
    const place = group?.indexOf(value) ?? -1;
    if (!group || place < 0) return;
    group.splice(place, 1);
    if (group.length === 0) this.#byKey.delete(key);
  }
}

const datacentersOf = new PerClient(() => new Map<string | undefined, HoldersHere>());

export function holdersHereOf(client: ConsulClient, dc: string | undefined): HoldersHere {
  const ofDatacenters = datacentersOf.of(client);
  const known = ofDatacenters.get(dc);
  if (known) return known;
  const holders = new HoldersHere();
  ofDatacenters.set(dc, holders);
  return holders;
}
