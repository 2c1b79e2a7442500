import type { HandleRecord } from './handles.ts';
import type { RequestFact, Requests } from './requests.ts';
import type { Violation } from './violation.ts';

/**
 * Rule d: a session of ours takes keys for another holder only when every earlier taking by it had been answered to its
 * sender: one that was not may still be carried out, and only the end of its session keeps that from happening.
 */
export function sessionsServeOne(handles: readonly HandleRecord[], requests: Requests): Violation[] {
  const adopted = new Set(handles.filter((handle) => handle.adopted).map(({ id }) => id));
  return requests.sessions.flatMap((session): Violation[] => {
    let unanswered: RequestFact[] = [];
    const takings = requests
      .of(session, 'take')
      .filter(({ holder }) => holder !== undefined && !adopted.has(holder))
      .toSorted((one, other) => one.before - other.before);
    for (const taking of takings) {
      const { before, holder } = taking;
      unanswered = unanswered.filter(({ passedAt = Infinity }) => passedAt > before);
      const doubt = unanswered.find((earlier) => earlier.holder !== holder);
      if (doubt) {
        const what = `session ${session} took keys for ${holder} ${(before - doubt.before).toFixed(0)} ms after it was asked to for ${doubt.holder}, and that was not answered`;
        return [{ rule: 'd', at: before, what }];
      }
      unanswered.push(taking);
    }
    return [];
  });
}
