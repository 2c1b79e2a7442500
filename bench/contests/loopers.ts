import type { ContestantName } from '../contestants/open-contestant.ts';
import { ConnectionWatch } from '../measures/connections.ts';
import { machineMs, pauseUntil } from '../measures/machine-clock.ts';
import type { LoopReport } from '../process/messages.ts';
import type { BenchServer } from '../servers/bench-server.ts';
import { Crew } from './crew.ts';

const UNTIL_THE_START_MS = 100;
const WATCHED_EVERY_MS = 250;
const UNTIL_ALL_HAVE_ENDED_MS = 60_000;

export interface LoopSize {
  readonly processes: number;
  readonly callers: number;
}

/** What processes did, and what came to the server meanwhile. */
export interface Stretch {
  readonly seconds: number;
  /** One of each process. */
  readonly reports: readonly LoopReport[];
  readonly entries: number | undefined;
  readonly requests: number | undefined;
  readonly connections: number | undefined;
}

export interface LoopersTerms {
  readonly contestant: ContestantName;
  readonly server: BenchServer;
  readonly key: string;
  readonly size: LoopSize;
}

/** Processes whose callers take one lock and give it back, again and again, whenever they are told to. */
export class Loopers {
  readonly #crew: Crew;
  readonly #terms: LoopersTerms;

  private constructor(crew: Crew, terms: LoopersTerms) {
    this.#crew = crew;
    this.#terms = terms;
  }

  /** Runs `act` with them; they are gone at the end. */
  static async during<T>(terms: LoopersTerms, act: (loopers: Loopers) => Promise<T>): Promise<T> {
    const { contestant, server, size } = terms;
    return await Crew.during(
      size.processes,
      { contestant, address: server.address },
      async (crew) => await act(new Loopers(crew, terms)),
    );
  }

  /** Nothing of it counts. */
  async warmUp(forMs: number): Promise<void> {
    await this.stretch(forMs, 0);
  }

  /** They begin so long before it counts. Connections of others, `besides`, are not theirs. */
  async stretch(leadInMs: number, forMs: number, besides = 0): Promise<Stretch> {
    const { server, key, size } = this.#terms;
    const startAt = machineMs() + UNTIL_THE_START_MS;
    const from = startAt + leadInMs;
    const to = from + forMs;
    const task = { key, callers: size.callers, startAt, from, to };
    const reporting = this.#crew.ask('loop', task, to - machineMs() + UNTIL_ALL_HAVE_ENDED_MS);
    // Its failure is met below; until then it must not end the program.
    reporting.catch(() => {});
    await pauseUntil(from);
    const [entriesBefore, requestsBefore] = [await server.entries(), await server.requests()];
    const { port, ownConnections } = server;
    using watch = new ConnectionWatch({ port, ownConnections: ownConnections + besides }, WATCHED_EVERY_MS);
    await pauseUntil(to);
    const { most: connections } = watch;
    const [entriesAfter, requestsAfter] = [await server.entries(), await server.requests()];
    return {
      seconds: forMs / 1_000,
      reports: await reporting,
      entries: difference(entriesAfter, entriesBefore),
      requests: difference(requestsAfter, requestsBefore),
      connections,
    };
  }
}

function difference(after: number | undefined, before: number | undefined): number | undefined {
  return after === undefined || before === undefined ? undefined : after - before;
}
