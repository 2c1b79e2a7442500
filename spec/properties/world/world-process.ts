import type { Line } from './line.ts';
import type { Lib, Modules } from './modules.ts';
import type { ProcessClock } from './process-clock.ts';
import type { LockTerms } from './terms.ts';

/** A process of a world: its modules, its time and its client. */
export interface WorldProcess {
  readonly name: string;
  readonly modules: Modules;
  readonly clock: ProcessClock;
  readonly line: Line;
  readonly locks: Map<LockTerms, InstanceType<Lib['EphemeralLock']>>;
  /** Of the user's own; undefined until a lock asks for one. */
  userSession: string | undefined;
  isShutDown: boolean;
}
