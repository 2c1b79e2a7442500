import { isTransient } from './consul-failure.ts';
import type { ConsulGate } from './consul-gate.ts';
import type { KvEntry } from './consul-answer.ts';
import { merged } from './merged.ts';
import type { HeldEntry } from './ownership.ts';
import type { ContenderSession } from './contender-session.ts';
import { untilNextLook } from './crowd.ts';
import type { Patience } from './patience.ts';
import { retryTransient } from './retry.ts';

/** For how long one blocking query waits: short, so that a server that lags or was cut off is asked no longer than that. */
const LONGEST_WAIT_MS = 10_000;

/** A blocking query that ends sooner, with the key still held, is followed by a pause. */
const SHORTEST_WAIT_MS = 50;

/** That pause: short while the holder may only have handed the lock over within its process, which goes on for a while. */
const FIRST_PAUSE_MS = 2;
const SHORT_PAUSES = 16;

export interface Waiting {
  readonly gate: ConsulGate;
  readonly patience: Patience;
  readonly session: ContenderSession;
  readonly fullKey: string;
  /** As it has just been found held, if it was. */
  readonly found?: HeldEntry | undefined;
  /** Whether it is a session of this process that has the key, which will tell. */
  readonly isOurs: (session: string) => boolean;
  /** Tells for how long there is no use in watching this holder. */
  readonly onHolder: (entry: HeldEntry) => number;
  /** Whether it is our turn once the key is free. */
  readonly isNext: () => boolean;
}

/** The key as it was read; null: there is none. */
interface Sight {
  readonly entry: KvEntry | null;
  /** Or any server's, which may lag. */
  readonly isLeaders: boolean;
}

/**
 * Waits in Consul until nobody else holds the key. Rejects when Consul does not say, in the end, whether it is still held.
 */
export async function waitUntilFree(waiting: Waiting): Promise<'free' | 'still-held'> {
  const { patience, session, found, isOurs, onHolder, isNext } = waiting;
  const { signal } = patience;
  const hurry = new Hurry();
  let failures = 0;
  let index: number | undefined;
  let sight: Sight | undefined = found && { entry: found, isLeaders: true };
  while (patience.leftToWaitMs > 0) {
    try {
      const began = patience.waitedMs;
      sight ??= index === undefined ? await look(waiting) : await waitForChange(waiting, index);
      const { isLeaders } = sight;
      const entry = heldByOthers(sight.entry, session);
      sight = undefined;
      if (!entry) return 'free';
      failures = 0;
      const restMs = onHolder(entry);
      const waitedMs = patience.waitedMs - began;
      const hurriedMs = index === undefined ? 0 : hurry.pauseMs(entry, waitedMs, isNext());
      const pauseMs = Math.max(restMs, hurriedMs);
      if (pauseMs > 0) await patience.sleep(Math.min(pauseMs, Math.max(0, patience.leftToWaitMs)));
      // No news: its server may lag, and is not asked again before the leader was.
      index = isLeaders || entry.modifyIndex > (index ?? 0) ? entry.modifyIndex : undefined;
      // So that, once it is free, nothing but the taking is left to do; a holder here leaves us its own.
      if (isOurs(entry.session)) await session.keepAlive();
      else await session.keepReady();
    } catch (error) {
      signal.throwIfAborted();
      if (!isTransient(error)) throw error;
      index = undefined;
      await patience.pause(++failures);
    }
  }
  return await lookForTheLastTime(waiting);
}

/** The key if anybody else holds it; undefined as well when Consul does not say: an attempt will show. */
export async function foundHeld({
  gate,
  patience,
  session,
  fullKey,
}: Pick<Waiting, 'gate' | 'patience' | 'session' | 'fullKey'>): Promise<HeldEntry | undefined> {
  try {
    const { entry } = await look({ gate, patience, fullKey });
    return heldByOthers(entry, session);
  } catch (error) {
    patience.signal.throwIfAborted();
    if (!isTransient(error)) throw error;
    return undefined;
  }
}

/** To wait for the end of what we have taken ourselves would be to wait for ever: another attempt finds it to be ours. */
function heldByOthers(entry: KvEntry | null, session: ContenderSession): HeldEntry | undefined {
  if (entry?.session === undefined) return undefined;
  const held: HeldEntry = merged(entry, { session: entry.session });
  return session.hasTaken(held) ? undefined : held;
}

/** A client that does not wait must not make a hot loop of us, nor a holder that rewrites its value all the time. */
class Hurry {
  #last: HeldEntry | undefined;
  #inARow = 0;

  /** After a wait that ended so soon, with this holder. Who is the next must not miss the end of a stay. */
  pauseMs(entry: HeldEntry, waitedMs: number, isNext: boolean): number {
    const last = this.#last;
    this.#last = entry;
    const isSame = last?.session === entry.session && last.createIndex === entry.createIndex;
    if (waitedMs >= SHORTEST_WAIT_MS || !isSame) this.#inARow = 0;
    if (waitedMs >= SHORTEST_WAIT_MS) return 0;
    const inARow = this.#inARow++;
    if (isNext && inARow < SHORT_PAUSES) return 0;
    const longer = Math.max(0, inARow - SHORT_PAUSES);
    return Math.min(SHORTEST_WAIT_MS, FIRST_PAUSE_MS * 2 ** Math.min(longer, 10));
  }
}

async function look({
  gate,
  patience,
  fullKey,
}: Pick<Waiting, 'gate' | 'patience' | 'fullKey'>): Promise<Sight> {
  const entry = await gate.readKey(fullKey, {
    consistency: 'default',
    lane: 'contending',
    timeoutMs: Math.max(1, Math.min(gate.requestTimeoutMs, patience.leftToWaitMs)),
    signal: patience.signal,
  });
  return { entry, isLeaders: true };
}

/** The key once it is another than at this index, or after a while. */
async function waitForChange(waiting: Waiting, afterIndex: number): Promise<Sight> {
  const { gate, patience, session, fullKey } = waiting;
  if (gate.isCrowded('waiting')) {
    await untilNextLook(patience.clock, patience.leftToWaitMs, { signal: patience.signal });
    return await look(waiting);
  }
  const waitMs = Math.min(LONGEST_WAIT_MS, patience.leftToWaitMs, session.ttlMs / 2);
  const entry = await gate.readKey(fullKey, {
    // Any server wakes us up as well as the leader does, and during an election sooner: only the attempt counts.
    consistency: 'stale',
    lane: 'waiting',
    afterIndex,
    // Consul adds up to a sixteenth (source: its documentation of blocking queries).
    waitMs: Math.ceil((waitMs * 16) / 17),
    timeoutMs: Math.max(1, Math.min(waitMs + gate.requestTimeoutMs, patience.leftToWaitMs)),
    signal: patience.signal,
  });
  return { entry, isLeaders: false };
}

/** When the time is over: still held is one thing, and a Consul that does not say so is another. */
async function lookForTheLastTime({
  gate,
  patience,
  session,
  fullKey,
}: Waiting): Promise<'free' | 'still-held'> {
  const { clock, signal } = patience;
  const entry = await retryTransient(
    async () => await gate.readKey(fullKey, { consistency: 'default', lane: 'contending', signal }),
    { clock, signal, remainingMs: () => patience.leftToRetryMs },
  );
  return heldByOthers(entry, session) ? 'still-held' : 'free';
}
