import type { LockOptions } from '../lib/index.ts';

/** What a contender is told at its start. */
export interface Assignment {
  readonly lockKey: string;
  /** A full key that is read and written under the lock. */
  readonly counterKey: string;
  readonly turns: number;
  readonly lockOptions: LockOptions;
}

/** What a contender tells of itself; `at` is the machine's time in milliseconds. */
export type Act = { readonly at: number } & (
  | { readonly kind: 'waits' }
  | {
      readonly kind: 'holds';
      readonly token: number;
      readonly isHeld: boolean;
      /** Its deadline: up to then it believes, whatever happens to it. */
      readonly believesUntil: number;
      readonly workMs: number;
    }
  | { readonly kind: 'reads'; readonly counter: number }
  | {
      readonly kind: 'leaves';
      readonly isHeld: boolean;
      /** What it made of the counter, if it came to that. */
      readonly counter?: number;
    }
  | { readonly kind: 'rests'; readonly turns: number }
  | { readonly kind: 'lost'; readonly reason: string }
  | { readonly kind: 'done' }
);

/** What the reader is shown: all that contenders tell, and what they cannot tell of themselves. */
export type Scene = (
  | Act
  | { readonly at: number; readonly kind: 'starts'; readonly pid: number }
  | { readonly at: number; readonly kind: 'killed' }
) & { readonly who: string };
