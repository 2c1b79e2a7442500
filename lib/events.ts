import { type Channel, channel, type TracingChannel, tracingChannel } from 'node:diagnostics_channel';
import type { LossReason } from './errors.ts';

interface LockMessage {
  /** The keys as they were asked for. */
  readonly keys: readonly string[];
  /** The keys in Consul. */
  readonly fullKeys: readonly string[];
}

interface TracedMessage extends LockMessage {
  /** What it rejected with. */
  readonly error?: unknown;
}

/**
 * Of the tracing channel `consul-lock:acquire`: an acquisition, from its request to the handle, to null or to an error.
 * Arguments that are refused before the first request are not told. What follows is set when it has ended.
 */
export interface AcquireMessage extends TracedMessage {
  /** How long it took, in milliseconds. */
  waitedMs: number;
  /** How many attempts were made on Consul; 0 when it ended before the first. */
  attempts: number;
  /** Undefined when the lock was not acquired. */
  fencingToken: number | undefined;
  /** The handle, or null: another contender has the lock. */
  readonly result?: unknown;
}

/**
 * Of the tracing channel `consul-lock:hold`: a call of `hold`, with an acquisition at its beginning and a release at its
 * end, both told by themselves as well.
 */
export interface HoldMessage extends TracedMessage {
  /** For how long the lock was held, in milliseconds; 0 until then. */
  heldMs: number;
  /** What the function returned. */
  readonly result?: unknown;
}

/** Of the tracing channel `consul-lock:release`: a lock that is given back, also one that was lost before. */
export interface ReleaseMessage extends TracedMessage {
  /** For how long the lock was held, in milliseconds. */
  readonly heldMs: number;
  /** What was left of its time when the release was asked for, in milliseconds; 0 when it was lost. */
  readonly marginMs: number;
  /** Whether it was still ours; undefined until that is known. */
  stillOurs: boolean | undefined;
}

/**
 * Of the channel `consul-lock:lost`: a lock was lost while it was held, or before Consul had heard of its release; told once
 * for each handle.
 */
export interface LostMessage extends LockMessage {
  /** As in the `LockLostError`. */
  readonly reason: LossReason;
}

/** Of the channel `consul-lock:renew`: the TTL of a held lock was started anew. */
export interface RenewMessage extends LockMessage {
  /** What the holder has now, in milliseconds. */
  readonly remainingMs: number;
}

/** Kept, for an unreferenced channel can be collected. A message is made only where there are subscribers. */
export const events: {
  readonly acquire: TracingChannel<unknown, AcquireMessage>;
  readonly hold: TracingChannel<unknown, HoldMessage>;
  readonly release: TracingChannel<unknown, ReleaseMessage>;
  readonly lost: Channel<unknown, LostMessage>;
  readonly renew: Channel<unknown, RenewMessage>;
} = {
  acquire: tracingChannel<unknown, AcquireMessage>('consul-lock:acquire'),
  hold: tracingChannel<unknown, HoldMessage>('consul-lock:hold'),
  release: tracingChannel<unknown, ReleaseMessage>('consul-lock:release'),
  lost: channel('consul-lock:lost') as Channel<unknown, LostMessage>,
  renew: channel('consul-lock:renew') as Channel<unknown, RenewMessage>,
};
