import type { ContestantName } from '../contestants/open-contestant.ts';
import type { CpuTimes } from '../measures/cpu-times.ts';

/** What a process of a contest is started with. */
export interface ProcessArgument {
  readonly contestant: ContestantName;
  readonly address: string;
}

/** The tasks that a process of a contest can be given: what each needs, and what it answers. */
export interface Tasks {
  loop: { readonly needs: LoopTask; readonly answers: LoopReport };
  walk: { readonly needs: WalkTask; readonly answers: WalkReport };
  acquire: { readonly needs: { readonly key: string }; readonly answers: Moments };
  release: { readonly needs: undefined; readonly answers: Moments };
  /** How many requests were sent since the process began. */
  requests: { readonly needs: undefined; readonly answers: number };
  /** The last requests that were sent. */
  path: { readonly needs: undefined; readonly answers: readonly RequestMoment[] };
  crowd: { readonly needs: CrowdTask; readonly answers: CrowdReport };
  profile: { readonly needs: ProfileTask; readonly answers: CpuTimes };
  once: { readonly needs: { readonly key: string }; readonly answers: OnceReport };
  memory: { readonly needs: { readonly locks: number }; readonly answers: MemoryReport };
  close: { readonly needs: undefined; readonly answers: undefined };
}
export type TaskName = keyof Tasks;

/** Callers that take one lock and give it back, again and again. The instants are of the machine's clock. */
export interface LoopTask {
  readonly key: string;
  readonly callers: number;
  readonly startAt: number;
  /** What happens between these two counts. */
  readonly from: number;
  readonly to: number;
  /** Default: false, for it costs time. */
  readonly timesRequests?: boolean;
}

export interface LoopReport {
  /** Locks that were taken while it counted. */
  readonly locks: number;
  readonly locksOfCallers: readonly number[];
  /** From the call of `acquire` to the handle. */
  readonly waitsMs: readonly number[];
  /** When each of these was taken. */
  readonly heldAtMs: readonly number[];
  /** From the call of `acquire` to the end of the release. */
  readonly cyclesMs: readonly number[];
  /** Those that still waited at the end included. */
  readonly longestWaitMs: number;
  readonly overtaken: number;
  readonly requests: number;
  /** For how long at least one request was under way, in microseconds, if that was asked for. */
  readonly underWayUs?: number | undefined;
  readonly failures: readonly string[];
}

/** To look where the processor's time goes, between two instants of the machine's clock. */
export interface ProfileTask {
  readonly from: number;
  readonly to: number;
}

/** A single caller that takes a lock and gives it back, again and again, until this instant of the machine's clock. */
export interface WalkTask {
  readonly key: string;
  readonly to: number;
}

/** Of a lock that takes two requests: what happens from the call of `acquire` to the end of the release, in its order. */
export const CYCLE_STEPS = [
  'its taking is sent',
  'answered',
  'it has the lock',
  'giving back is sent',
  'answered',
  'it is given back',
] as const;

/** In microseconds. */
export interface WalkReport {
  /** Of every lock, from the call of `acquire` to the end of the release. */
  readonly cyclesUs: readonly number[];
  /** Of every lock that took two requests: how long each of `CYCLE_STEPS` was in coming. */
  readonly stepsUs: readonly (readonly number[])[];
}

export interface Moments {
  readonly calledAt: number;
  readonly settledAt: number;
}

/** Of a request: an instant of the machine's clock. */
export interface RequestMoment {
  readonly at: number;
  readonly what: 'sent' | 'answered';
  /** Method and path. */
  readonly request: string;
}

/** Callers that all come at once. */
export interface CrowdTask {
  readonly keys: readonly string[];
  readonly waitMs: number;
  /** Held until all of them are called for; otherwise the first is free. */
  readonly heldAtFirst: boolean;
  /** Each gives back at once; otherwise all are held at the same time before the first is given back. */
  readonly givesBackAtOnce: boolean;
}

export interface CrowdReport {
  readonly waitsMs: readonly number[];
  readonly tookMs: number;
  readonly overtaken: number;
  readonly requests: number;
  readonly failures: readonly string[];
}

export interface OnceReport {
  readonly tookMs: number;
  readonly requests: number;
}

export interface MemoryReport {
  readonly bytesPerLock: number;
}

export interface Order {
  readonly id: number;
  readonly task: TaskName;
  readonly needs: unknown;
}

export type Reply =
  { readonly id: number; readonly answer: unknown } | { readonly id: number; readonly failure: string };
