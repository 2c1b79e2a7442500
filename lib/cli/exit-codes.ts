import { constants } from 'node:os';
import { ConsulRequestError, LockAcquisitionError, LockLostError } from '../index.ts';
import { keyOf, whoHolds } from './lock-words.ts';
import { printable } from './printable.ts';

/** Numbers of sysexits.h where it has one, and a shell's own. */
export const EXIT = {
  fine: 0,
  /** Nothing was found, or nothing was done. */
  nothing: 1,
  usage: 64,
  unavailable: 69,
  software: 70,
  notAcquired: 75,
  lost: 76,
  notExecutable: 126,
  notFound: 127,
} as const;

/** The command line cannot be understood. */
export class UsageError extends Error {
  static {
    this.prototype.name = 'UsageError';
  }
}

/** A signal came before the command was started. */
export class Interruption extends Error {
  static {
    this.prototype.name = 'Interruption';
  }
  readonly signal: NodeJS.Signals;

  constructor(signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`);
    this.signal = signal;
  }
}

/** As a shell reports a command that was ended by a signal. */
export function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}

export interface Failure {
  readonly exitCode: number;
  /** On one line. */
  readonly words: string;
}

export function failureOf(error: unknown): Failure {
  if (error instanceof Interruption) return { exitCode: exitCodeOf(error.signal), words: error.message };
  const words = printable(error instanceof Error ? error.message : String(error));
  if (error instanceof LockAcquisitionError) {
    const { holder } = error;
    const isHeld = error.code === 'LOCK_NOT_ACQUIRED' && holder?.locked === true;
    return {
      exitCode: EXIT.notAcquired,
      words: isHeld ? `not acquired: ${printable(keyOf(holder))} is ${whoHolds(holder)}` : words,
    };
  }
  if (error instanceof LockLostError) return { exitCode: EXIT.lost, words };
  if (error instanceof ConsulRequestError) return { exitCode: EXIT.unavailable, words };
  // The library throws these for keys, durations and variables that cannot be.
  if (error instanceof UsageError || error instanceof TypeError || error instanceof RangeError) {
    return { exitCode: EXIT.usage, words };
  }
  return { exitCode: EXIT.software, words };
}
