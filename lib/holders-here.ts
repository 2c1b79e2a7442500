import type { ConsulClient } from './consul-client.ts';
import { PerClient } from './per-client.ts';

/** A lock of this process: held, or being given back. */
export interface HolderHere {
  readonly fullKeys: readonly string[];
  readonly sessionId: string;
  /** By its clock. */
  readonly isHeld: boolean;
  /** Asks Consul, and counts as lost from then on if it is; rejects when Consul does not say. */
  prove(): Promise<void>;
  /** Somebody else here has taken one of its keys, which is proof that it is lost. */
  dispossess(): void;
}

/** Who in this process has which keys of one datacenter, as one client knows it. */
export class HoldersHere {
  readonly #byKey = new Map<string, readonly HolderHere[]>();
  readonly #onGone = new Map<string, Set<() => void>>();

  /** The answer takes the holder away, and tells those that wait for one of its keys if nobody else here has it. */
  add(holder: HolderHere): () => void {
    for (const key of holder.fullKeys) this.#byKey.set(key, [...(this.#byKey.get(key) ?? []), holder]);
    return () => {
      for (const key of holder.fullKeys) {
        const others = (this.#byKey.get(key) ?? []).filter((other) => other !== holder);
        if (others.length > 0) {
          this.#byKey.set(key, others);
          continue;
        }
        this.#byKey.delete(key);
        for (const callback of this.#onGone.get(key) ?? []) callback();
      }
    };
  }

  of(fullKey: string): readonly HolderHere[] {
    return this.#byKey.get(fullKey) ?? [];
  }

  /** The first of these keys that is held here by the clock. */
  heldAmong(fullKeys: readonly string[]): string | undefined {
    return fullKeys.find((key) => this.of(key).some(({ isHeld }) => isHeld));
  }

  /** The first of these keys that is held here, or being given back. */
  occupiedAmong(fullKeys: readonly string[]): string | undefined {
    return fullKeys.find((key) => this.#byKey.has(key));
  }

  /** Runs `callback` whenever one of these keys is no longer held here by anybody; the answer takes it back. */
  whenGone(fullKeys: readonly string[], callback: () => void): () => void {
    for (const key of fullKeys) {
      const callbacks = this.#onGone.get(key) ?? new Set();
      this.#onGone.set(key, callbacks.add(callback));
    }
    return () => {
      for (const key of fullKeys) {
        const callbacks = this.#onGone.get(key);
        callbacks?.delete(callback);
        if (callbacks?.size === 0) this.#onGone.delete(key);
      }
    };
  }
}

const datacentersOf = new PerClient(() => new Map<string | undefined, HoldersHere>());

export function holdersHereOf(client: ConsulClient, dc: string | undefined): HoldersHere {
  const ofDatacenters = datacentersOf.of(client);
  const holders = ofDatacenters.get(dc) ?? new HoldersHere();
  ofDatacenters.set(dc, holders);
  return holders;
}
