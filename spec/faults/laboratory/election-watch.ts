import { setTimeout as pause } from 'node:timers/promises';
import type { LaboratoryFact } from '../history/facts.ts';
import { machineTimeMs } from '../history/machine-time.ts';
import { SERVERS, type Cluster } from './cluster.ts';

const EVERY_MS = 300;

type ServerName = (typeof SERVERS)[number];

interface Look {
  /** Before the request was sent that told it. */
  readonly before: number;
  readonly term: number;
}

/** Looks at the servers' raft terms; each growth is an election, which happened between two looks. */
export class ElectionWatch {
  readonly #cluster: Cluster;
  readonly #tell: (fact: LaboratoryFact) => void;
  readonly #looks = new Map<ServerName, Look>();
  #term = 0;
  #isOver = false;
  readonly #watching: Promise<unknown>;

  constructor(cluster: Cluster, tell: (fact: LaboratoryFact) => void) {
    this.#cluster = cluster;
    this.#tell = tell;
    this.#watching = Promise.all(SERVERS.map(async (name) => await this.#watch(name)));
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#watching;
  }

  async #watch(name: ServerName): Promise<void> {
    while (!this.#isOver) {
      await this.#look(name).catch(() => {});
      await pause(EVERY_MS);
    }
  }

  async #look(name: ServerName): Promise<void> {
    const before = machineTimeMs();
    const { text } = await this.#cluster.ask(name, '/v1/agent/self', { timeoutMs: 2_000 });
    const { raft } = (JSON.parse(text) as { Stats: { raft: { term: string } } }).Stats;
    const term = Number(raft.term);
    if (term > this.#term) {
      // The new leader may be the server that was looked at longest ago.
      const since = Math.min(before, ...Array.from(this.#looks.values(), (look) => look.before));
      if (this.#term > 0) this.#tell({ kind: 'election', at: machineTimeMs(), before: since, term });
      this.#term = term;
    }
    this.#looks.set(name, { before, term });
  }
}
