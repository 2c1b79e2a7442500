import type { Fact, RegisterState } from '../history/facts.ts';
import { factsOf, type HandleRecord } from './handles.ts';
import type { Violation } from './violation.ts';

/**
 * Rule f: a write made by `handle.transaction` never lands after a later holder's token. Tokens and the places of writes
 * are indexes of one raft log, so that they can be compared.
 */
export function noLateWrite(
  facts: readonly Fact[],
  handles: readonly HandleRecord[],
): { violations: Violation[]; writes: number } {
  const writes = new Map<string, RegisterState>();
  const answers = handles.flatMap(({ calls }) => calls.flatMap(({ answer }) => answer?.registers ?? []));
  for (const state of [...answers, ...factsOf(facts, 'registers').flatMap(({ registers }) => registers)]) {
    writes.set(`${state.key} ${state.index}`, state);
  }
  const tokens = new Map<string, { token: number; id: string }[]>();
  for (const { id, keys, acquired } of handles) {
    for (const key of acquired ? keys : []) {
      tokens.set(key, [...(tokens.get(key) ?? []), { token: acquired!.token, id }]);
    }
  }
  const violations: Violation[] = [];
  for (const { key, token, id, index } of writes.values()) {
    const later = (tokens.get(key.split('/').at(-1)!) ?? []).find(
      (other) => other.id !== id && other.token > token && other.token < index,
    );
    if (!later) continue;
    const what = `${id} wrote ${key} at ${index} with token ${token}, after ${later.id} had got token ${later.token}`;
    violations.push({ rule: 'f', at: 0, what });
  }
  return { violations, writes: writes.size };
}
