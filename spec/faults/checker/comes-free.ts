import type { Fact } from '../history/facts.ts';
import { factsOf } from './handles.ts';
import type { Violation } from './violation.ts';

/** Rule d: after the faults every key can be taken in its time, and nothing is left. */
export function comesFree(facts: readonly Fact[]): Violation[] {
  const [healthy] = factsOf(facts, 'healthy');
  const [left] = factsOf(facts, 'left');
  if (!healthy || !left)
    return [{ rule: 'd', at: facts.at(-1)?.at ?? 0, what: 'nobody looked at the aftermath' }];
  const elections = factsOf(facts, 'election').map(({ at }) => at);
  const violations: Violation[] = [];
  for (const { key, at, limitMs, error } of factsOf(facts, 'retaken')) {
    const since = Math.max(healthy.at, ...elections.filter((election) => election < at));
    if (error !== undefined)
      violations.push({ rule: 'd', at, what: `${key} could not be taken again: ${error}` });
    else if (at - since > limitMs) {
      const what = `${key} was taken again only after ${(at - since).toFixed(0)} ms, not within ${limitMs} ms`;
      violations.push({ rule: 'd', at, what });
    }
  }
  for (const what of [
    ...left.keys.map((key) => `key ${key}`),
    ...left.sessions.map((id) => `session ${id}`),
  ]) {
    violations.push({ rule: 'd', at: left.at, what: `${what} is left` });
  }
  return violations;
}
