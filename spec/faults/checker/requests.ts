import type { Fact, FactOf } from '../history/facts.ts';
import { factsOf } from './handles.ts';

export type RequestFact = FactOf<'request'>;

/** What the lines saw of the sessions: their making, renewing and ending, and what was taken by them. */
export class Requests {
  readonly #bySession = new Map<string, RequestFact[]>();

  constructor(facts: readonly Fact[]) {
    for (const request of factsOf(facts, 'request')) {
      if (request.session === undefined) continue;
      const ofSession = this.#bySession.get(request.session);
      if (ofSession) ofSession.push(request);
      else this.#bySession.set(request.session, [request]);
    }
  }

  get sessions(): readonly string[] {
    return [...this.#bySession.keys()];
  }

  of(session: string, asks: RequestFact['asks']): readonly RequestFact[] {
    return (this.#bySession.get(session) ?? []).filter((request) => request.asks === asks);
  }

  /** The taking by which this attempt got its keys: the last one that Consul had answered by then. */
  winning(holder: string, session: string, acquiredAt: number): RequestFact | undefined {
    return this.of(session, 'take')
      .filter((take) => take.holder === holder && take.status === 200 && take.answeredAt! <= acquiredAt)
      .toSorted((one, other) => one.answeredAt! - other.answeredAt!)
      .at(-1);
  }
}
