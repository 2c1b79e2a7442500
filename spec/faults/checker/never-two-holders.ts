import type { Fact } from '../history/facts.ts';
import { REQUEST_TIMEOUT_MS } from '../laboratory/terms.ts';
import { beliefOf, factsOf, meet, type HandleRecord, type Interval } from './handles.ts';
import type { Removal, Removals } from './removals.ts';
import type { Requests } from './requests.ts';
import type { Violation } from './violation.ts';

/** Within which a request that was under way is answered. */
const SLIPS_WITHIN_MS = REQUEST_TIMEOUT_MS;

interface Belief extends Interval {
  readonly handle: HandleRecord;
}

/** Rule a: no two handles on one key are surely held at one moment, and none comes back to life. */
export function neverTwoHolders(
  facts: readonly Fact[],
  handles: readonly HandleRecord[],
  removals: Removals,
  requests: Requests,
): { violations: Violation[]; excused: number; slipped: number } {
  const elections = factsOf(facts, 'election').map(({ before, at }) => ({ from: before, to: at }));
  const excuseOf = (deprived: Belief, rival: Belief, overlap: Interval): Excuse | undefined => {
    const excuses = removals.of(deprived.handle).flatMap((removal) => {
      const excuse = excuseBy(removal, deprived.handle, overlap, elections);
      return excuse === 'lock-delay'
        ? slipped(removal, rival.handle, requests)
          ? [excuse]
          : []
        : (excuse ?? []);
    });
    return excuses.find((excuse) => excuse === 'outsider') ?? excuses[0];
  };
  const violations = handles.flatMap(resurrection);
  const counted = { outsider: 0, 'lock-delay': 0 };
  for (const { key, one, other, overlap } of overlapsOf(handles)) {
    const excuse = excuseOf(one, other, overlap) ?? excuseOf(other, one, overlap);
    if (excuse) counted[excuse]++;
    else violations.push(overlapping(key, one, other, overlap));
  }
  return { violations, excused: counted.outsider + counted['lock-delay'], slipped: counted['lock-delay'] };
}

type Excuse = 'outsider' | 'lock-delay';

function overlapsOf(
  handles: readonly HandleRecord[],
): { key: string; one: Belief; other: Belief; overlap: Interval }[] {
  const byKey = new Map<string, Belief[]>();
  for (const handle of handles) {
    const belief = beliefOf(handle);
    if (!belief) continue;
    for (const key of handle.keys) byKey.set(key, [...(byKey.get(key) ?? []), { ...belief, handle }]);
  }
  return Array.from(byKey, ([key, beliefs]) => overlapsAmong(key, beliefs)).flat();
}

function overlapsAmong(
  key: string,
  beliefs: readonly Belief[],
): { key: string; one: Belief; other: Belief; overlap: Interval }[] {
  const found: { key: string; one: Belief; other: Belief; overlap: Interval }[] = [];
  let open: Belief[] = [];
  for (const belief of beliefs.toSorted((one, other) => one.from - other.from)) {
    open = open.filter(({ to }) => to > belief.from);
    for (const earlier of open) {
      if (!meet(earlier, belief)) continue;
      const overlap = { from: belief.from, to: Math.min(earlier.to, belief.to) };
      found.push({ key, one: earlier, other: belief, overlap });
    }
    open.push(belief);
  }
  return found;
}

/**
 * From the removal until the deadline at most. A lock delay of the TTL or more leaves no excuse for the end of a session
 * while the leader, which alone knows of the delay, stays the same, unless a taking slips through; the removal of a key
 * starts no delay (measured).
 */
function excuseBy(
  { what, before, at, certain }: Removal,
  { ttlMs, lockDelayMs }: HandleRecord,
  overlap: Interval,
  elections: readonly Interval[],
): Excuse | undefined {
  if (overlap.from < before) return undefined;
  // A renewal after the removal does not count, so the last deadline is a TTL away from it.
  if (certain && overlap.to > at + ttlMs) return undefined;
  if (what === 'key' || lockDelayMs < ttlMs) return 'outsider';
  return elections.some((election) => meet(election, { from: before, to: overlap.to }))
    ? 'outsider'
    : 'lock-delay';
}

/**
 * Consul looks at the lock delay before a taking goes into the raft log, and not when it is carried out: one that is under
 * way when the session is ended slips through (agent/consul/kvs_endpoint.go; seen).
 */
function slipped({ at }: Removal, { id, begun, acquired }: HandleRecord, requests: Requests): boolean {
  const taking = requests.winning(id, acquired!.session, acquired!.at);
  const [sent, answered] = [taking?.sentAt ?? begun, taking?.answeredAt ?? acquired!.at];
  return sent < at && answered <= at + SLIPS_WITHIN_MS;
}

function resurrection({ id, samples }: HandleRecord): Violation[] {
  const firstFalse = samples.findIndex(({ held }) => !held);
  const later = firstFalse < 0 ? undefined : samples.slice(firstFalse).find(({ held }) => held);
  return later ? [{ rule: 'a', at: later.at, what: `${id} was held again after it was not` }] : [];
}

function overlapping(key: string, one: Belief, other: Belief, { from, to }: Interval): Violation {
  const named = ({ handle: { id, acquired }, ...belief }: Belief): string =>
    `${id} (token ${acquired?.token}, session ${acquired?.session}) from ${belief.from} to ${belief.to}`;
  const what = `two held ${key} for ${(to - from).toFixed(1)} ms: ${named(one)}, and ${named(other)}`;
  return { rule: 'a', at: from, what };
}
