import { setTimeout as pause } from 'node:timers/promises';
import type { LaboratoryFact } from '../history/facts.ts';
import { machineTimeMs } from '../history/machine-time.ts';
import { SERVERS, type Cluster } from './cluster.ts';
import { lookAtKeys } from './held-keys.ts';

const EVERY_MS = 100;

/** Writes down, all the time, what Consul has for held: so that a key is seen which nobody knows to have. */
export class KeyWatch {
  readonly #watching: Promise<void>;
  #isOver = false;

  constructor(cluster: Cluster, run: string, tell: (fact: LaboratoryFact) => void) {
    this.#watching = this.#watch(cluster, run, tell);
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#watching;
  }

  async #watch(cluster: Cluster, run: string, tell: (fact: LaboratoryFact) => void): Promise<void> {
    for (let look = 0; !this.#isOver; look++) {
      const before = machineTimeMs();
      const held = await lookAtKeys(cluster, SERVERS[look % SERVERS.length]!, run).catch(() => []);
      const at = machineTimeMs();
      for (const { Key: key, Session: session, holder } of held) {
        tell({ kind: 'key-seen', at, before, key, holder, session });
      }
      await pause(EVERY_MS);
    }
  }
}
