import type { Answer, Attempt, Fact, FactOf, HandleCall } from '../history/facts.ts';

/** A call of a handle, and how it ended if it did. */
export interface HandleCallRecord {
  readonly id: string;
  readonly process: string;
  readonly call: HandleCall;
  readonly begun: number;
  readonly limitMs: number;
  ended?: number;
  answer?: Answer;
}

/** All that the history says about one attempt and the handle that came of it. */
export interface HandleRecord extends Attempt {
  readonly id: string;
  readonly process: string;
  readonly begun: number;
  settled?: {
    readonly at: number;
    readonly outcome: 'acquired' | 'refused' | 'rejected';
    readonly code?: string;
  };
  /** Only of handles. */
  acquired?: FactOf<'acquired'>;
  watchedAt?: number;
  lostAt?: number;
  readonly samples: FactOf<'sample'>[];
  readonly calls: HandleCallRecord[];
}

/** @param facts - in the order of their time. */
export function handlesOf(facts: readonly Fact[]): HandleRecord[] {
  const handles = new Map<string, HandleRecord>();
  const calls = new Map<string, HandleCallRecord>();
  for (const fact of facts) {
    if (fact.kind === 'attempt') {
      const { kind: _kind, at: begun, ...attempt } = fact;
      handles.set(fact.id, { ...attempt, begun, samples: [], calls: [] });
      continue;
    }
    if (!('id' in fact)) continue;
    const handle = handles.get(fact.id);
    if (!handle) continue;
    switch (fact.kind) {
      case 'acquired':
        handle.acquired = fact;
        handle.settled = { at: fact.at, outcome: 'acquired' };
        break;
      case 'refused':
        handle.settled = { at: fact.at, outcome: 'refused' };
        break;
      case 'rejected':
        handle.settled ??= { at: fact.at, outcome: 'rejected', code: fact.code };
        break;
      case 'sample':
        handle.samples.push(fact);
        break;
      case 'watched':
        handle.watchedAt ??= fact.at;
        break;
      case 'lost':
        handle.lostAt ??= fact.at;
        break;
      case 'call': {
        const { id, process, call, limitMs } = fact;
        const record: HandleCallRecord = { id, process, call, limitMs, begun: fact.at };
        handle.calls.push(record);
        calls.set(`${process} ${fact.turn}`, record);
        break;
      }
      case 'answer': {
        const record = calls.get(`${fact.process} ${fact.turn}`);
        if (record) Object.assign(record, { ended: fact.at, answer: fact });
        break;
      }
    }
  }
  return [...handles.values()];
}

/** For how long it surely believed that it holds: after the first look that said so, before the last one. */
export function beliefOf({ samples }: HandleRecord): Interval | undefined {
  const held = samples.filter((sample) => sample.held);
  const [from, to] = [held[0]?.at, held.at(-1)?.before];
  return from !== undefined && to !== undefined && to > from ? { from, to } : undefined;
}

export interface Interval {
  readonly from: number;
  readonly to: number;
}

export function meet(one: Interval, other: Interval): boolean {
  return one.from < other.to && other.from < one.to;
}

export function factsOf<Kind extends Fact['kind']>(facts: readonly Fact[], kind: Kind): FactOf<Kind>[] {
  return facts.filter((fact): fact is FactOf<Kind> => fact.kind === kind);
}
