import type { CallLimits } from './consul-gate.ts';
import type { LockEntry } from './lock-entry.ts';
import type { Chain, Lot } from './lot.ts';
import { guardsOf } from './ownership.ts';
import { sessionTermsOf } from './session-pool.ts';
import { lockOperation, noteTaken } from './taking.ts';
import { lineOf, type Place, type Wanted } from './waiting-line.ts';

/**
 * After so many handings over in a row, or so long after the first of them, a lock is given back, so that other processes
 * do not starve. With sixteen a lock costs 18/17 of a write, which more would lower by less than a twentieth.
 */
const MOST_IN_A_ROW = 16;
const LONGEST_IN_A_ROW_MS = 100;

/** The first of those here who wait for these keys, if the lock can be handed over to it as it is. */
export function heirOf({ settings, session, entries, chain }: Lot): Place | undefined {
  if (session.isAdopted || session.isDoubtful) return undefined;
  if (chain && (chain.links >= MOST_IN_A_ROW || chain.elapsedMs() >= LONGEST_IN_A_ROW_MS)) return undefined;
  const first = lineOf(settings, entries)?.first;
  if (!first?.canBeServed) return undefined;
  const wanted = first.wanted.settings;
  return wanted.session === undefined && sessionTermsOf(wanted) === sessionTermsOf(settings)
    ? first
    : undefined;
}

export type HandedOver =
  | { readonly kind: 'handed-over'; readonly lot: Lot }
  /** It was given up for the heir, who cannot have it: too little time is left, or its session has gone. */
  | { readonly kind: 'unfit'; readonly lot: Lot }
  /** It is no longer as it was taken. */
  | { readonly kind: 'refused' };

/**
 * Passes a lock with its session on to another contender of this process, by one write that is guarded as a giving back is,
 * and raises the token. The TTL starts anew by a renewal beside it, which costs Consul no write; without its answer, the old
 * deadline stays. Rejects when the write was not answered: then it may be carried out.
 */
export async function handOver(lot: Lot, wanted: Wanted, limits: CallLimits): Promise<HandedOver> {
  const { gate, session, entries } = lot;
  const pairs = entries.map(
    (from) => [from, wanted.entries.find(({ fullKey }) => fullKey === from.fullKey) as LockEntry] as const,
  );
  // Whoever gives the lock back after a write without an answer must know what that has left for ours.
  for (const [from, to] of pairs) from.announceRewriting(to.flags);
  const operations = pairs.flatMap(([from, to]) => [
    ...guardsOf(from, session.id),
    lockOperation(to, session.id),
  ]);
  const [writing, renewing] = await Promise.allSettled([
    session.send(async (sent) => await gate.transact(operations, sent), limits),
    session.renewUnlessFresh(gate, { ...limits, timeoutMs: session.renewalLimitMs(gate) }),
  ]);
  if (writing.status === 'rejected') throw writing.reason;
  if (!writing.value.committed) {
    for (const [from, to] of pairs) from.forgetRewriting(to.flags);
    return { kind: 'refused' };
  }
  noteTaken(gate, session.id, wanted.entries, writing.value.results);
  // From now on it is the heir's alone.
  for (const [from, to] of pairs) from.forgetRewriting(to.flags);
  const passed: Lot = { ...wanted, session, chain: next(lot) };
  const isGone = renewing.status === 'fulfilled' && !renewing.value;
  const isFit = !isGone && session.ttlMs - session.ageMs >= session.ttlMs / 2;
  return { kind: isFit ? 'handed-over' : 'unfit', lot: passed };
}

function next({ chain, settings: { waitingClock: clock } }: Lot): Chain {
  if (chain) return { links: chain.links + 1, elapsedMs: chain.elapsedMs };
  const began = clock.read();
  return { links: 1, elapsedMs: () => clock.elapsedSince(began) };
}
