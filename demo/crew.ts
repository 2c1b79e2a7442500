import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Act, Assignment, Scene } from './acts.ts';
import { machineTimeMs } from './clock.ts';

const CONTENDER = fileURLToPath(import.meta.url).replace(/crew(\.\w+)$/, 'contender$1');

/** A contender, which is a process of its own. */
export interface Contender {
  /** Resolves when the process has ended and all that it told was heard; rejects when it failed. */
  readonly over: Promise<void>;
  /** By SIGKILL: it cannot give anything back. */
  kill(): void;
  /** Asks it to give back what it has and to end; resolves when it has ended. */
  dismiss(): Promise<void>;
}

export function startContender(
  who: string,
  assignment: Assignment,
  onScene: (scene: Scene) => void,
): Contender {
  const child = fork(CONTENDER, [JSON.stringify(assignment)]);
  onScene({ kind: 'starts', at: machineTimeMs(), pid: child.pid!, who });
  child.on('message', (act) => onScene({ ...(act as Act), who }));
  let endedAt = 0;
  child.once('exit', () => (endedAt = machineTimeMs()));
  // What it told before its end may be heard after it.
  const ended = Promise.all([once(child, 'exit'), once(child, 'disconnect')]);
  const over = ended.then(([[code, signal]]: [unknown[], unknown]) => {
    if (signal === 'SIGKILL') onScene({ kind: 'killed', at: endedAt, who });
    else if (code !== 0) throw new Error(`${who} failed: its process ended with ${String(signal ?? code)}`);
  });
  return {
    over,
    kill: () => void child.kill('SIGKILL'),
    async dismiss() {
      if (child.connected) child.disconnect();
      await Promise.race([ended, pause(2_000, undefined, { ref: false })]);
      child.kill('SIGKILL');
      await ended;
    },
  };
}
