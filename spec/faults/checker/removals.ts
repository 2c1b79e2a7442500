import type { Fact, FactOf } from '../history/facts.ts';
import { factsOf, type HandleRecord } from './handles.ts';

export type Removal = FactOf<'removal'>;

/** Which locks an outsider took away from their holders. */
export class Removals {
  readonly #bySession = new Map<string, Removal[]>();

  constructor(facts: readonly Fact[]) {
    for (const removal of factsOf(facts, 'removal')) {
      this.#bySession.set(removal.session, [...(this.#bySession.get(removal.session) ?? []), removal]);
    }
  }

  /** What may have been taken away from this handle: a session may have served other handles before and after it. */
  of(handle: HandleRecord): readonly Removal[] {
    const session = handle.acquired?.session;
    if (session === undefined) return [];
    return (this.#bySession.get(session) ?? []).filter(
      ({ what, key, at, certain }) =>
        (what === 'session' || handle.keys.some((own) => key!.endsWith(`/${own}`))) &&
        (!certain || handle.begun < at),
    );
  }

  /** What was taken away from it for sure, while it had it. */
  certainOf(handle: HandleRecord): readonly Removal[] {
    return this.of(handle).filter(
      ({ before, certain }) =>
        certain &&
        handle.acquired!.at < before &&
        !handle.calls.some(({ call, begun }) => call === 'release' && begun < before),
    );
  }
}
