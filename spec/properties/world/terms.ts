import type { Fate, Target } from './fate.ts';

export type KeyName = 'a' | 'b';

/** One lock of a world, which any process may ask for. */
export interface LockTerms {
  readonly keys: readonly KeyName[];
  readonly renew: boolean | { readonly maxHoldMs: number };
  /** By a session that the user made, one for each process. */
  readonly isAdopted: boolean;
}

/** What is the same for a whole sequence. */
export interface Terms {
  /** Of what the code under test draws by chance. */
  readonly seed: number;
  readonly ttlMs: number;
  readonly lockDelayMs: number;
  readonly behavior: 'delete' | 'release';
  readonly requestTimeoutMs: number;
  readonly retryTimeoutMs: number;
  /** The longest way of a request, or of an answer. */
  readonly latencyMs: number;
  /** As if locks of these terms were used all the time. */
  readonly isBrisk: boolean;
  /** Whether handles are looked at whenever anything has happened; a look makes an end known that nobody has noticed. */
  readonly isWatchful: boolean;
  /** Whether those who still wait at the end are served or cancelled. */
  readonly ending: 'served' | 'cancelled';
  readonly locks: readonly LockTerms[];
}

/** What a holder does in `hold`. */
export interface Work {
  readonly ms: number;
  readonly end: 'returns' | 'throws' | 'releases';
}

export type Use =
  'release' | 'dispose' | 'renew' | 'verify' | 'signal' | 'assert' | 'write' | 'rewrite' | 'refused write';

/**
 * One step of a sequence. `of` counts back from the latest handle or attempt, so that what is left of a sequence means
 * something whatever is left out of it.
 */
export type Step =
  | {
      readonly do: 'acquire' | 'try' | 'hold';
      readonly process: number;
      readonly lock: number;
      readonly timeoutMs: number;
      readonly work: Work;
    }
  | { readonly do: 'use'; readonly of: number; readonly how: Use }
  | { readonly do: 'abort'; readonly of: number }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'turns'; readonly count: number }
  | {
      readonly do: 'doom';
      readonly process: number;
      readonly target: Target;
      readonly fate: Fate;
      readonly times: number;
    }
  | { readonly do: 'heal' }
  | { readonly do: 'end session' | 'remove' | 'overwrite' | 'seize' | 'force'; readonly key: KeyName }
  | { readonly do: 'yield' }
  | {
      readonly do: 'pause';
      readonly process: number;
      readonly ms: number;
      readonly first: 'timers' | 'answers';
    }
  | { readonly do: 'set wall'; readonly process: number; readonly ms: number }
  | { readonly do: 'shut down'; readonly process: number; readonly graceMs: number };
