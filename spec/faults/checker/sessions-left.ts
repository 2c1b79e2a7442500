import { contenderOf, type Fact } from '../history/facts.ts';
import { factsOf, type HandleRecord } from './handles.ts';
import type { IdleTimes } from './idle-times.ts';
import type { RequestFact, Requests } from './requests.ts';

/** Less than the limit of a request, so that its sender was still listening. */
const HEARD_WITHIN_MS = 800;
const READING_MS = 50;

/**
 * Sessions that a process knew, as far as its line can tell, and left when it ended in order. Not those of processes
 * that were killed, nor such as were made without an answer, nor those of handles that were forgotten instead of being
 * released: these are left to their TTL.
 */
export function sessionsLeft(
  facts: readonly Fact[],
  handles: readonly HandleRecord[],
  requests: Requests,
  idle: IdleTimes,
): string[] {
  const forgotten = new Set(
    handles
      .filter(({ calls }) => !calls.some(({ call }) => call === 'release'))
      .map(({ acquired }) => acquired?.session),
  );
  const exits = factsOf(facts, 'exited');
  return factsOf(facts, 'healthy').flatMap(({ sessions }) =>
    sessions.flatMap((session): string[] => {
      const [made] = requests.of(session, 'create');
      if (forgotten.has(session)) return [];
      if (!made || !wasHeard(made) || requests.of(session, 'destroy').length > 0) return [];
      const exit = exits.find(
        ({ process, at: end }) => contenderOf(process) === made.contender && end > made.passedAt!,
      );
      if (exit?.how !== '0') return [];
      const reading = { from: made.before, to: made.passedAt! + READING_MS };
      if (idle.runningMs(exit.process, reading) < reading.to - reading.from) return [];
      return [session];
    }),
  );
}

function wasHeard({ before, passedAt, status }: RequestFact): boolean {
  return status === 200 && passedAt !== undefined && passedAt - before < HEARD_WITHIN_MS;
}
