import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { isStopped } from '../../support/consul-server/process-state.ts';
import { runCommand } from '../../support/consul-server/run-command.ts';
import { until } from '../../support/consul-server/until.ts';
import type { LaboratoryFact } from '../history/facts.ts';
import { machineTimeMs } from '../history/machine-time.ts';
import type { Assignment } from './assignment.ts';

const PROGRAM = new URL('../contender/contender.js', import.meta.url);
const FAREWELL_MS = 30_000;

/** A contender's process. It ends with us: by its channel, and when it is stopped just then, by the kernel. */
export class ContenderProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #tell: (fact: LaboratoryFact) => void;
  readonly #exited: Promise<void>;
  #isAsked = false;
  #hasExited = false;

  private constructor(name: string, child: ChildProcess, tell: (fact: LaboratoryFact) => void) {
    this.name = name;
    this.#child = child;
    this.#tell = tell;
    this.#exited = once(child, 'exit').then(([code, signal]) => {
      this.#hasExited = true;
      tell({
        kind: 'exited',
        at: machineTimeMs(),
        process: name,
        asked: this.#isAsked,
        how: String(signal ?? code),
      });
    });
  }

  static async start(
    assignment: Assignment,
    tell: (fact: LaboratoryFact) => void,
  ): Promise<ContenderProcess> {
    const [execPath, ...execArgv] = [...(await tether()), process.execPath];
    const child = fork(PROGRAM, [JSON.stringify(assignment)], {
      ...(execArgv.length > 0 ? { execPath, execArgv } : { execArgv: [] }),
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const started = new ContenderProcess(assignment.process, child, tell);
    await once(child, 'spawn');
    return started;
  }

  get isRunning(): boolean {
    return !this.#hasExited;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  async kill(): Promise<void> {
    this.#isAsked = true;
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  async stop(): Promise<void> {
    this.#tell({ kind: 'stopped', at: machineTimeMs(), process: this.name });
    this.#child.kill('SIGSTOP');
    await until(() => this.#hasExited || isStopped(this.pid), { timeoutMs: 5_000, intervalMs: 1 });
  }

  continue(): void {
    this.#child.kill('SIGCONT');
    this.#tell({ kind: 'continued', at: machineTimeMs(), process: this.name });
  }

  /** Tells it to give back what it has and to end; kills it when it does not, which is a trouble. */
  async dismiss(): Promise<void> {
    if (!this.isRunning) return;
    if (this.#child.connected) this.#child.send('finish', () => {});
    this.#isAsked = true;
    const lateness = setTimeout(() => {
      const what = `${this.name} did not end within ${FAREWELL_MS} ms`;
      this.#tell({ kind: 'trouble', at: machineTimeMs(), what });
      this.#child.kill('SIGKILL');
    }, FAREWELL_MS);
    await this.#exited;
    clearTimeout(lateness);
  }
}

let tethering: Promise<readonly string[]> | undefined;

/** What makes the kernel kill a program together with the one that started it, where that can be had. */
async function tether(): Promise<readonly string[]> {
  const setpriv = ['setpriv', '--pdeathsig', 'KILL'] as const;
  tethering ??= runCommand(setpriv[0], [...setpriv.slice(1), 'true']).then(
    () => setpriv,
    () => [],
  );
  return await tethering;
}
