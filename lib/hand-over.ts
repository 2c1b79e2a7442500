import type { CallLimits, KvOperation } from './consul-gate.ts';
import { holdersHereOf } from './holders-here.ts';
import type { LockEntry } from './lock-entry.ts';
import type { Chain, Lot } from './lot.ts';
import { indexGuardOf } from './ownership.ts';
import { MOST_IN_A_ROW } from './stays.ts';
import { lockOperation, noteTaken } from './taking.ts';
import { lineOf, type Place } from './waiting-line.ts';

/** Where no others are seen, some more than `MOST_IN_A_ROW`; and so long after the first of them, a lock is given back anyway. */
const MOST_IN_A_ROW_ALONE = 32;
const LONGEST_IN_A_ROW_MS = 100;

/** The first of those here who wait for these keys, if the lock can be handed over to it as it is. */
export function heirOf({ terms, session, chain }: Lot): Place | undefined {
  if (session.isAdopted || session.isDoubtful) return undefined;
  const first = lineOf(terms)?.first;
  if (!first?.canBeServed || (chain && isLong(chain, first))) return undefined;
  const wanted = first.wanted.terms;
  return wanted.settings.session === undefined && wanted.sessionTerms === terms.sessionTerms
    ? first
    : undefined;
}

function isLong({ links, elapsedMs }: Chain, { turns }: Place): boolean {
  const most = turns.seesOthers ? MOST_IN_A_ROW : MOST_IN_A_ROW_ALONE;
  return links >= most || elapsedMs() >= LONGEST_IN_A_ROW_MS;
}

export type HandedOver =
  | { readonly kind: 'handed-over' }
  /** It was given up for an heir who cannot have it: too little time is left, its session has gone, or the heir itself. */
  | { readonly kind: 'orphaned'; readonly lot: Lot }
  /** It is no longer as it was taken. */
  | { readonly kind: 'refused' };

/** Of one key. */
interface Rewriting {
  readonly from: LockEntry;
  readonly to: LockEntry;
}

/**
 * Passes a lock with its session on to another contender of this process, by one write that looks at the index of each key
 * and raises the token. The TTL starts anew by a renewal beside it, which costs Consul no write; without its answer, the old
 * deadline stays. Rejects when the write was not answered: then it may be carried out.
 */
export async function handOver(lot: Lot, heir: Place, limits: CallLimits): Promise<HandedOver> {
  const { session, entries } = lot;
  const { gate } = lot.terms;
  const { wanted } = heir;
  const chain = next(lot);
  const rewritings: Rewriting[] = [];
  const operations: KvOperation[] = [];
  for (const from of entries) {
    const to = wanted.entries.find(({ fullKey }) => fullKey === from.fullKey)!;
    to.countLinks(chain.links);
    // Whoever gives the lock back after a write without an answer must know what that has left for ours.
    from.announceRewriting(to.flags);
    rewritings.push({ from, to });
    operations.push(...handOverOperations(from, to, lot));
  }
  const { answer: isCommitted, isGone } = await session.sendRenewing(
    gate,
    async (sent) => {
      const outcome = await gate.transact(operations, sent);
      if (outcome.committed) noteTaken(gate, session.id, wanted.entries, outcome.results);
      return outcome.committed;
    },
    limits,
  );
  // From now on it is the heir's alone, or was refused.
  for (const { from, to } of rewritings) from.forgetRewriting(to.flags);
  if (!isCommitted) return { kind: 'refused' };
  heir.turns.handedOver();
  const { client, dc } = wanted.terms.settings;
  holdersHereOf(client, dc).dispossess(wanted.entries);
  const passed: Lot = { terms: wanted.terms, session, entries: wanted.entries, chain };
  const isFit = !isGone && session.ttlMs - session.ageMs >= session.ttlMs / 2;
  return isFit && heir.receive(passed) ? { kind: 'handed-over' } : { kind: 'orphaned', lot: passed };
}

/**
 * Where the key goes with its session, the one operation that looks at the index and writes: raft's entry is smaller than with a
 * guard of its own, and the write faster (`npm run bench:profile`). It leaves the key with its session, and sets `LockIndex` to 0
 * (measured on 1.8.7), so that a key that stays behind would pass for data.
 *
 * The index says all, but that a snapshot which is restored gives out indexes again: then the answer names another session.
 */
function handOverOperations(from: LockEntry, to: LockEntry, { terms, session }: Lot): KvOperation[] {
  if (terms.settings.behavior === 'release') return [indexGuardOf(from), lockOperation(to, session.id)];
  const { fullKey, content, flags } = to;
  return [{ KV: { Verb: 'cas', Key: fullKey, Value: content, Flags: flags, Index: from.token } }];
}

function next({ chain, terms }: Lot): Chain {
  if (chain) return { links: chain.links + 1, elapsedMs: chain.elapsedMs };
  const clock = terms.settings.waitingClock;
  const began = clock.read();
  return { links: 1, elapsedMs: () => clock.elapsedSince(began) };
}
