import type { Attempt, Fact, FactOf, HandleCall } from '../history/facts.ts';
import { FAULT_KINDS } from '../history/facts.ts';

/** A holder in a made-up history. */
export interface Holder extends Partial<Attempt> {
  /** The process's name comes before a `#`. */
  readonly id: string;
  readonly begun: number;
  readonly from: number;
  readonly to: number;
  readonly token: number;
  readonly session?: string;
}

/** From the attempt to the moment at which it saw that it does not hold any longer. */
export function held({
  id,
  begun,
  from,
  to,
  token,
  session = `session of ${id}`,
  ...attempt
}: Holder): Fact[] {
  const process = id.split('#', 1)[0]!;
  const sample = { kind: 'sample', process, id, token, remainingMs: 500 } as const;
  return [
    { ...attempted(id, begun), ...attempt },
    { at: from - 1, process, kind: 'acquired', id, token, session },
    { ...sample, before: from - 0.5, at: from, held: true },
    { ...sample, before: to, at: to + 0.5, held: true },
    { ...sample, before: to + 4, at: to + 4.5, held: false, remainingMs: 0 },
  ];
}

export function attempted(id: string, at: number): FactOf<'attempt'> {
  const process = id.split('#', 1)[0]!;
  const attempt = {
    verb: 'acquire',
    keys: ['a'],
    limitMs: 3_500,
    ttlMs: 1_000,
    lockDelayMs: 0,
    adopted: false,
  } as const;
  return { at, process, kind: 'attempt', id, ...attempt };
}

/** A call of a handle. */
export function called(
  id: string,
  call: HandleCall,
  [begun, ended]: readonly [number, number],
  answer: Partial<FactOf<'answer'>>,
): Fact[] {
  const process = id.split('#', 1)[0]!;
  return [
    { at: begun, process, kind: 'call', id, call, turn: begun, limitMs: 2_500 },
    { at: ended, process, kind: 'answer', id, turn: begun, ...answer } as Fact,
  ];
}

export function removed(
  what: 'session' | 'key',
  session: string,
  [before, at]: readonly [number, number],
): Fact {
  return { at, before, kind: 'removal', what, session, key: 'locks/run/a', certain: true };
}

/** What a run has anyway: every kind of fault in its first millisecond, and an aftermath without fault. */
export function frame(): Fact[] {
  return [
    { at: 0, kind: 'run', seed: 1, minutes: 1, contenders: 2, callers: 2 },
    ...FAULT_KINDS.flatMap((fault, number): Fact[] => [
      { at: 0.1, kind: 'fault', number, fault, target: 'c9', detail: '' },
      { at: 0.2, kind: 'healed', number },
    ]),
    { at: 50_000, kind: 'healthy', sessions: [] },
    { at: 50_100, kind: 'retaken', key: 'a', limitMs: 6_500 },
    { at: 50_200, kind: 'left', keys: [], sessions: [] },
  ];
}
