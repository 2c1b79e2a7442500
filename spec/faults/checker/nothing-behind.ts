import type { Fact } from '../history/facts.ts';
import { factsOf, type HandleRecord } from './handles.ts';
import type { IdleTimes } from './idle-times.ts';
import type { QuietTimes } from './quiet-times.ts';
import { Reach } from './reach.ts';
import type { Requests } from './requests.ts';
import type { Violation } from './violation.ts';

/**
 * What was tried once before a promise settled goes on in the background: a request that hangs, a pause and one more
 * request, once Consul can be reached.
 */
const TIDIED_WITHIN_MS = 2_500;
/** The longest pause before a clean-up that found no connection is tried again, and something for the trying. */
const TRIED_AGAIN_WITHIN_MS = 1_500;
/** The end of a session is asked for before the promise settles. This is for a busy machine. */
const ASKED_WITHIN_MS = 250;

/** By then the end of a session in doubt has been asked for, if its line was open. */
const DOUBT_ENDS_WITHIN_MS = ASKED_WITHIN_MS + 50;

/** A moment at which Consul had a key for held, or may come to have it. */
interface Look {
  readonly isHeld: boolean;
  readonly before: number;
  readonly at: number;
  readonly key: string;
  readonly holder: string;
  readonly session: string;
}

/**
 * Rule d, while the run goes on: a key is not held by an attempt that came to nothing, or by a handle that was given back,
 * unless the end of its session was asked for and is still being tried. A session of the user's own is not ours to end,
 * so that a late attempt on it is only found later. The end of a session is also asked for when a taking by it was not
 * answered: that may be carried out at any time.
 */
export function nothingBehind(
  facts: readonly Fact[],
  handles: readonly HandleRecord[],
  requests: Requests,
  quiet: QuietTimes,
  idle: IdleTimes,
): Violation[] {
  const byId = new Map(handles.map((handle) => [handle.id, handle]));
  const reach = new Reach(facts);
  const killings = new Map(
    factsOf(facts, 'exited')
      .filter(({ how }) => how !== '0')
      .map(({ process, at }) => [process, at]),
  );
  const complaints = new Map<string, Violation>();
  for (const { isHeld, before, at, key, holder, session } of looksOf(facts, byId)) {
    const handle = byId.get(holder);
    const over = handle && overAt(handle);
    if (!handle || over === undefined || over >= before || handle.adopted) continue;
    if (complaints.has(`${key} ${holder}`) || (killings.get(handle.process) ?? Infinity) < at) continue;
    const why = abandoned() ?? (isHeld ? overdue() : undefined);
    if (why === undefined) continue;
    const what = `${key} ${isHeld ? 'is' : 'may come to be'} held by ${holder}, which was over ${(before - over).toFixed(0)} ms ago, by session ${session}: ${why}`;
    complaints.set(`${key} ${holder}`, { rule: 'd', at, what });

    /** Nobody is about to end its session. */
    function abandoned(): string | undefined {
      const { process, lockDelayMs } = handle!;
      // Before the end of a session with a lock delay its keys are read, and that may take any number of tries.
      if (lockDelayMs > 0) return undefined;
      const ends = requests.of(session, 'destroy').filter((end) => end.before < at);
      if (ends.length > 0 && !isHeld) return undefined;
      if (ends.some(({ status, answeredAt }) => status === 200 && answeredAt! < before))
        return 'it was ended, and holds on';
      // In the order of their answers, which is not that in which they were asked.
      const last = ends.length === 0 ? undefined : Math.max(...ends.map((end) => end.before));
      const hadElection = reach.hadElection({ from: over!, to: at });
      // A new leader lets sessions live longer than anybody tries to end them.
      if (last !== undefined && hadElection) return undefined;
      const withinMs = last === undefined ? ASKED_WITHIN_MS : TIDIED_WITHIN_MS;
      const since = Math.max(over!, last ?? 0);
      if (idle.runningMs(process, { from: since, to: before }) < withinMs) return undefined;
      const from = Math.max(
        hadElection ? 0 : before - TRIED_AGAIN_WITHIN_MS - withinMs,
        since - TRIED_AGAIN_WITHIN_MS,
      );
      if (!reach.isOpen(process, { from, to: at })) return undefined;
      return last === undefined
        ? 'nobody asked for the end of that'
        : `the end of that was last asked for ${(before - last).toFixed(0)} ms ago`;
    }

    function overdue(): string | undefined {
      const { process } = handle!;
      const since = before - TIDIED_WITHIN_MS;
      if (over! > since || !quiet.isQuiet(process, { from: since, to: at })) return undefined;
      const ranMs = idle.runningMs(process, { from: since, to: before });
      return ranMs < 0.9 * TIDIED_WITHIN_MS ? undefined : 'although Consul could be reached';
    }
  }
  return [...complaints.values()];
}

/** What was seen, and what came to be held by requests that came late. */
function looksOf(facts: readonly Fact[], byId: ReadonlyMap<string, HandleRecord>): Look[] {
  const seen = factsOf(facts, 'key-seen').map((fact): Look => ({ ...fact, isHeld: true }));
  const doubts = factsOf(facts, 'request').flatMap(({ asks, holder, session, before, passedAt }): Look[] => {
    const handle = byId.get(holder ?? '');
    const over = handle && overAt(handle);
    if (asks !== 'take' || !handle || over === undefined || !session) return [];
    if (before >= over || passedAt !== undefined) return [];
    const at = over + DOUBT_ENDS_WITHIN_MS;
    return [{ isHeld: false, before: at, at, key: handle.keys.join(' and '), holder: handle.id, session }];
  });
  const landed = factsOf(facts, 'request').flatMap(
    ({ asks, holder, session, status, sentAt: before, answeredAt: at }): Look[] => {
      const keys = byId.get(holder ?? '')?.keys;
      if (asks !== 'take' || status !== 200 || !holder || !keys || !session) return [];
      return before === undefined || at === undefined
        ? []
        : [{ isHeld: true, before, at, key: keys.join(' and '), holder, session }];
    },
  );
  return [...seen, ...landed, ...doubts].toSorted((one, other) => one.at - other.at);
}

/** From when on nothing of it may be in Consul; undefined when it was never said to be over. */
function overAt({ settled, calls }: HandleRecord): number | undefined {
  if (settled?.outcome !== 'acquired') return settled?.at;
  return calls.find(({ call, answer }) => call === 'release' && isOver(answer))?.ended;
}

/** A hold that fulfils has given back or is about to, in the background. */
function isOver(answer: HandleRecord['calls'][number]['answer']): boolean {
  return answer !== undefined && (answer.value !== undefined || answer.code === 'FULFILLED');
}
