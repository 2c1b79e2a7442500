import type { ConsulGate } from './consul-gate.ts';
import type { ContenderSession } from './contender-session.ts';
import { ConsulRequestError } from './errors.ts';
import type { HoldersHere } from './holders-here.ts';
import { processOf } from './lock-flags.ts';
import type { HeldEntry } from './ownership.ts';
import type { Patience } from './patience.ts';
import { foundHeld, waitUntilFree, type Waiting } from './waiting.ts';
import type { Place } from './waiting-line.ts';
import { Stop } from './stop.ts';

/**
 * For so long a holder of this process is left alone with its lock: its release tells us. Then it is looked for in Consul
 * too, for the lock may have been taken from it.
 */
const ALONE_MS = 50;

const ENDED = new Error('the search has ended');

export interface Contended {
  readonly place: Place;
  readonly holders: HoldersHere;
  readonly gate: ConsulGate;
  readonly session: ContenderSession;
  readonly patience: Patience;
  readonly fullKeys: readonly string[];
  /** The key that was found held, and as it was found just now, if it was. */
  readonly fullKey: string;
  readonly found?: HeldEntry | undefined;
}

export type ComingFree = 'handed-over' | 'free' | 'still-held';

/** Waits in line, and as the first of it for those of this process and for those of others, until it is our turn. */
export async function comeFree(contended: Contended): Promise<ComingFree> {
  const { place } = contended;
  place.isReady = true;
  try {
    return await waitForTurn(contended);
  } finally {
    place.isReady = false;
  }
}

async function waitForTurn(contended: Contended): Promise<ComingFree> {
  const { place, holders, patience, fullKeys } = contended;
  let wasAlone = false;
  let { found } = contended;
  for (;;) {
    if (place.isServed) return 'handed-over';
    if (place.serving) {
      await place.news(patience, Infinity);
    } else if (patience.leftToWaitMs > 0 && !place.isFirst) {
      await place.news(patience, patience.leftToWaitMs);
    } else if (patience.leftToWaitMs > 0 && !wasAlone && holders.occupiedAmong(fullKeys) !== undefined) {
      wasAlone = true;
      await leaveAlone(contended);
      if (isLeftToUs(contended)) return 'free';
    } else {
      const state = await lookInConsul(contended, found);
      found = undefined;
      if (place.serving || place.isServed) continue;
      if (state === 'still-held') return state;
      if (state === undefined) continue;
      // What would be handed over meanwhile is not looked at, and its time would run.
      place.isReady = false;
      const isFree = await isProven(contended);
      place.isReady = true;
      if (isFree) return 'free';
    }
  }
}

/** What has happened while others were let go first: somebody has taken the key, or it is handed over to us. */
export type Gone = { readonly found?: HeldEntry | undefined };

/** Lets others go first whose turn it is; undefined when nothing has happened. */
export function letOthersGo(contended: Contended): Promise<Gone | undefined> | undefined {
  const { place, patience } = contended;
  const delayMs = Math.min(place.turns.delayMs(), patience.leftToWaitMs);
  return delayMs <= 0 && !place.turns.isCrowded ? undefined : letThemGo(contended, delayMs);
}

async function letThemGo(contended: Contended, delayMs: number): Promise<Gone | undefined> {
  const { place, patience } = contended;
  const longestMs = place.turns.longestUnseenMs;
  for (let leftMs = delayMs; ; leftMs -= longestMs) {
    if (leftMs > 0) {
      place.isReady = true;
      try {
        await place.news(patience, Math.min(leftMs, longestMs));
      } finally {
        place.isReady = false;
      }
      if (place.isServed || place.serving) return {};
    }
    const found = await foundHeld(contended);
    if (found) return { found };
    if (leftMs <= longestMs) return undefined;
  }
}

async function leaveAlone({ place, holders, patience, fullKeys }: Contended): Promise<void> {
  const dispose = holders.whenGone(fullKeys, () => place.tell());
  try {
    await place.news(patience, Math.min(ALONE_MS, patience.leftToWaitMs));
  } finally {
    dispose();
  }
}

function isLeftToUs({ place, holders, fullKeys }: Contended): boolean {
  return !place.isServed && !place.serving && holders.occupiedAmong(fullKeys) === undefined;
}

/** Undefined when it was handed over meanwhile. */
async function lookInConsul(
  contended: Contended,
  found: HeldEntry | undefined,
): Promise<Awaited<ReturnType<typeof waitUntilFree>> | undefined> {
  const { place, patience } = contended;
  const search = new Stop();
  const end = (): void => search.abort(patience.signal.aborted ? patience.signal.reason : ENDED);
  patience.signal.addEventListener('abort', end, { once: true });
  let state: Awaited<ReturnType<typeof waitUntilFree>> | undefined;
  let failure: { readonly reason: unknown } | undefined;
  void waitUntilFree(waitingOf(contended, { found, patience: patience.endedBy(search.signal) })).then(
    (answer) => {
      state = answer;
      place.tell();
    },
    (reason: unknown) => {
      failure = { reason };
      place.tell();
    },
  );
  try {
    while (!state && !failure && !place.isServed) await place.news(patience, Infinity);
  } finally {
    patience.signal.removeEventListener('abort', end);
    end();
  }
  if (place.isServed || place.serving) return undefined;
  if (failure) throw failure.reason;
  return state;
}

/** What the clock of a holder of this process says stands, until Consul says otherwise. */
async function isProven({ holders, patience, fullKey }: Contended): Promise<boolean> {
  for (const holder of holders.of(fullKey)) {
    if (!holder.isHeld) continue;
    try {
      await holder.prove();
    } catch (error) {
      patience.signal.throwIfAborted();
      if (!(error instanceof ConsulRequestError)) throw error;
      // Its token may no longer be good for asking: our own attempt tells as well.
      if (!error.transient) continue;
    }
    if (!holder.isHeld) continue;
    await patience.pause(1);
    return false;
  }
  return true;
}

function waitingOf(
  { gate, session, fullKey, holders, place }: Contended,
  { found, patience }: Pick<Waiting, 'found' | 'patience'>,
): Waiting {
  const isOurs = (id: string): boolean => holders.of(fullKey).some(({ sessionId }) => sessionId === id);
  return {
    gate,
    patience,
    session,
    fullKey,
    found,
    isOurs,
    onHolder: (entry) => {
      if (isOurs(entry.session)) return 0;
      place.turns.saw(processOf(entry.flags), entry);
      return place.turns.restMs();
    },
    isNext: () => place.turns.isNext,
  };
}
