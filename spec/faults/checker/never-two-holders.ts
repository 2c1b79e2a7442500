import type { Fact } from '../history/facts.ts';
import { beliefOf, factsOf, meet, type HandleRecord, type Interval } from './handles.ts';
import type { Removal, Removals } from './removals.ts';
import type { Violation } from './violation.ts';

interface Belief extends Interval {
  readonly handle: HandleRecord;
}

/** Rule a: no two handles on one key are surely held at one moment, and none comes back to life. */
export function neverTwoHolders(
  facts: readonly Fact[],
  handles: readonly HandleRecord[],
  removals: Removals,
): Violation[] {
  const elections = factsOf(facts, 'election').map(({ before, at }) => ({ from: before, to: at }));
  const isExcused = (belief: Belief, overlap: Interval): boolean =>
    removals.of(belief.handle).some((removal) => excuses(removal, belief.handle, overlap, elections));
  return [
    ...handles.flatMap(resurrection),
    ...overlapsOf(handles).flatMap(({ key, one, other, overlap }) =>
      isExcused(one, overlap) || isExcused(other, overlap) ? [] : [overlapping(key, one, other, overlap)],
    ),
  ];
}

/** How many overlaps there were that an outsider is to blame for: figures only. */
export function overlapsOf(
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
 * while the leader, which alone knows of the delay, stays the same; the removal of a key starts no delay (measured).
 */
function excuses(
  { what, before, at, certain }: Removal,
  { ttlMs, lockDelayMs }: HandleRecord,
  overlap: Interval,
  elections: readonly Interval[],
): boolean {
  if (overlap.from < before) return false;
  // A renewal after the removal does not count, so the last deadline is a TTL away from it.
  if (certain && overlap.to > at + ttlMs) return false;
  if (what === 'key' || lockDelayMs < ttlMs) return true;
  return elections.some((election) => meet(election, { from: before, to: overlap.to }));
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
