/**
 * What a history is made of. `at` is when the fact was written, by the machine's monotonic clock; where a fact took time,
 * `before` is its beginning, so that what happened lies between the two.
 */
export type Fact = ContenderFact | LaboratoryFact;

/** Told by a contender's process. */
export type ContenderFact = { readonly at: number; readonly process: string } & (
  | { readonly kind: 'started' }
  | ({ readonly kind: 'attempt'; readonly id: string } & Attempt)
  | { readonly kind: 'acquired'; readonly id: string; readonly token: number; readonly session: string }
  | { readonly kind: 'refused'; readonly id: string }
  | ({ readonly kind: 'rejected'; readonly id: string } & Failure)
  | {
      readonly kind: 'sample';
      readonly id: string;
      readonly before: number;
      readonly held: boolean;
      readonly remainingMs: number;
      readonly token: number;
    }
  | { readonly kind: 'watched'; readonly id: string }
  | { readonly kind: 'lost'; readonly id: string; readonly reason: string }
  | {
      readonly kind: 'call';
      readonly id: string;
      readonly call: HandleCall;
      readonly turn: number;
      readonly limitMs: number;
    }
  | ({ readonly kind: 'answer'; readonly id: string; readonly turn: number } & Answer)
  /** On purpose, told before: whoever is killed meanwhile cannot tell of it afterwards. */
  | { readonly kind: 'blocks'; readonly forMs: number }
  | { readonly kind: 'blocked'; readonly before: number }
  | { readonly kind: 'unhandled'; readonly what: string }
  | { readonly kind: 'finished' }
);

export type HandleCall = 'verify' | 'renew' | 'transaction' | 'release';

/** An acquisition as it was asked for. */
export interface Attempt {
  readonly verb: 'hold' | 'acquire' | 'tryAcquire';
  readonly keys: readonly string[];
  /** Within which it has to settle. */
  readonly limitMs: number;
  readonly ttlMs: number;
  readonly lockDelayMs: number;
  readonly adopted: boolean;
}

export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** A register as a transaction found or left it. */
export interface RegisterState {
  readonly key: string;
  readonly token: number;
  readonly id: string;
  /** Consul's `ModifyIndex` of the write. */
  readonly index: number;
}

export type Answer =
  | { readonly value: boolean; readonly registers?: undefined; readonly code?: undefined }
  | { readonly registers: readonly RegisterState[]; readonly value?: undefined; readonly code?: undefined }
  | (Failure & { readonly value?: undefined; readonly registers?: undefined });

/** Told by the laboratory. */
export type LaboratoryFact = { readonly at: number } & (
  | {
      readonly kind: 'run';
      readonly seed: number;
      readonly minutes: number;
      readonly contenders: number;
      readonly callers: number;
    }
  | {
      readonly kind: 'fault';
      readonly number: number;
      readonly fault: FaultKind;
      /** A contender, without its incarnation; or an agent. */
      readonly target: string;
      readonly detail: string;
    }
  | { readonly kind: 'healed'; readonly number: number }
  | { readonly kind: 'stopped'; readonly process: string }
  | { readonly kind: 'continued'; readonly process: string }
  | {
      readonly kind: 'exited';
      readonly process: string;
      /** Whether we killed it, or had told it to end. */
      readonly asked: boolean;
      readonly how: string;
    }
  /** A session or a key that an outsider removed; without certainty, the removal was never answered. */
  | {
      readonly kind: 'removal';
      readonly before: number;
      readonly what: 'session' | 'key';
      readonly session: string;
      readonly key?: string;
      readonly certain: boolean;
    }
  /** A key that Consul has for held, by which attempt and session. */
  | {
      readonly kind: 'key-seen';
      readonly before: number;
      readonly key: string;
      readonly holder: string;
      readonly session: string;
    }
  /** A request that came by on a contender's line, `before` being when its first bytes did. */
  | {
      readonly kind: 'request';
      readonly before: number;
      readonly contender: string;
      readonly asks: 'create' | 'renew' | 'destroy' | 'take';
      /** Unknown of one that was to be made, until that is answered. */
      readonly session: string | undefined;
      /** The attempt that takes by it. */
      readonly holder?: string;
      /** When it was sent on to Consul, and when Consul answered. */
      readonly sentAt: number | undefined;
      readonly answeredAt: number | undefined;
      readonly status: number | undefined;
      /** When the contender was given the answer; undefined when it was not, or not all of it. */
      readonly passedAt: number | undefined;
    }
  /** A connection that ended before anything was asked on it. */
  | { readonly kind: 'turned-away'; readonly before: number; readonly contender: string }
  | { readonly kind: 'election'; readonly before: number; readonly term: number }
  | { readonly kind: 'lab-blocked'; readonly before: number }
  | { readonly kind: 'healthy'; readonly sessions: readonly string[] }
  | { readonly kind: 'retaken'; readonly key: string; readonly limitMs: number; readonly error?: string }
  | { readonly kind: 'left'; readonly keys: readonly string[]; readonly sessions: readonly string[] }
  | { readonly kind: 'registers'; readonly registers: readonly RegisterState[] }
  | { readonly kind: 'trouble'; readonly what: string }
);

export const SERVER_FAULTS = [
  'leader-kill',
  'leader-stop',
  'follower-stop',
  'follower-kill',
  'agent-stop',
] as const;
export const LINE_FAULTS = ['delay', 'freeze', 'reset', 'cut', 'lose', 'late', 'refuse'] as const;
export const PROCESS_FAULTS = ['contender-kill', 'contender-stop'] as const;
export const OUTSIDER_FAULTS = ['session-destroyed', 'key-deleted', 'force-released'] as const;

export const FAULT_KINDS = [...SERVER_FAULTS, ...LINE_FAULTS, ...PROCESS_FAULTS, ...OUTSIDER_FAULTS] as const;
export type ServerFault = (typeof SERVER_FAULTS)[number];
export type LineFault = (typeof LINE_FAULTS)[number];
export type ProcessFault = (typeof PROCESS_FAULTS)[number];
export type OutsiderFault = (typeof OUTSIDER_FAULTS)[number];
export type FaultKind = (typeof FAULT_KINDS)[number];

export type FactOf<Kind extends Fact['kind']> = Extract<Fact, { readonly kind: Kind }>;

/** A process's name is its contender's name and the number of its incarnation. */
export function contenderOf(process: string): string {
  return process.split('.', 1)[0]!;
}
