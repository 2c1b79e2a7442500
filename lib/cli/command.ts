import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { printable } from './printable.ts';
import { familyOf, isInForeground, type Process, runningProcesses } from './processes.ts';

/** From SIGTERM to SIGKILL. */
export const GRACE_MS = 5_000;

/** For what SIGKILL has hit to be gone, where nobody reaps orphans. */
const REAPING_MS = 1_000;

const LOOK_EVERY_MS = 50;

export interface CommandTerms {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly isOnTerminal: boolean;
  readonly graceMs?: number;
}

export interface Ending {
  readonly exitCode: number;
  /** Why it was never started. */
  readonly failure?: string;
}

/**
 * A command, and what it starts.
 *
 * Off a terminal it has a process group (a session, even) of its own, so that a signal reaches all of it at once. On a
 * terminal it stays in ours: only the foreground group may read the terminal, a shell's Ctrl-Z must stop all of a job, and
 * Node can give the terminal to nobody else. There its group is not its own, as the shell's script and the rest of a
 * pipeline may be in it, so that signals go to its descendants one by one.
 */
export class Command {
  /** Never rejects. */
  readonly ended: Promise<Ending>;
  readonly #hasOwnGroup: boolean;
  readonly #child: ChildProcess | undefined;
  readonly #graceMs: number;
  #hasEnded = false;

  private constructor({ command, args, env, isOnTerminal, graceMs = GRACE_MS }: CommandTerms) {
    this.#hasOwnGroup = !isOnTerminal && process.platform !== 'win32';
    this.#graceMs = graceMs;
    try {
      this.#child = spawn(command, args, { env, stdio: 'inherit', detached: this.#hasOwnGroup });
      this.ended = this.#endOf(this.#child);
    } catch (error) {
      // Some failures of a start are thrown, others are told.
      this.#hasEnded = true;
      this.ended = Promise.resolve(notStarted(command, error as NodeJS.ErrnoException));
    }
  }

  static start(terms: CommandTerms): Command {
    return new Command(terms);
  }

  /** Passes on a signal that we were sent. */
  pass(signal: NodeJS.Signals): void {
    // From the terminal it has it already: a second one means something else to many programs.
    const isTyped = signal === 'SIGINT' || signal === 'SIGQUIT';
    if (isTyped && !this.#hasOwnGroup && isInForeground()) return;
    this.signal(signal);
  }

  /** Sends a signal to all of the command. */
  signal(signal: NodeJS.Signals): void {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    if (this.#hasOwnGroup) send(-pid, signal);
    else if (!this.#hasEnded) this.#signalEach(familyOf(pid, runningProcesses()), signal);
  }

  /** Ends all of it, by SIGTERM and after a grace by SIGKILL; resolves when it has ended. */
  async end(): Promise<void> {
    const known = new Map<number, Process>();
    this.#remember(known);
    this.signal('SIGTERM');
    // What is stopped would not hear it.
    this.signal('SIGCONT');
    if (await this.#isGoneWithin(this.#graceMs, known)) return;
    this.#signalEach(this.#living(known), 'SIGKILL');
    await this.ended;
    await this.#isGoneWithin(REAPING_MS, known);
  }

  async #endOf(child: ChildProcess): Promise<Ending> {
    return await new Promise((resolve) => {
      const end = (ending: Ending): void => {
        this.#hasEnded = true;
        resolve(ending);
      };
      child.on('error', (error) => {
        // A signal that could not be sent is no failure of the start.
        if (child.pid === undefined) end(notStarted(child.spawnfile, error));
      });
      child.once('exit', (code, signal) => end({ exitCode: signal === null ? code! : exitCodeOf(signal) }));
    });
  }

  async #isGoneWithin(limitMs: number, known: Map<number, Process>): Promise<boolean> {
    const deadline = performance.now() + limitMs;
    const stop = new AbortController();
    const { signal } = stop;
    await Promise.race([this.ended, pause(limitMs, undefined, { signal }).catch(() => {})]);
    stop.abort();
    for (;;) {
      const isGone = this.#hasEnded && this.#living(known).length === 0;
      if (isGone || performance.now() >= deadline) return isGone;
      await pause(LOOK_EVERY_MS);
    }
  }

  /** What runs of all that has ever been seen of it: who lost its parent is no descendant any more. */
  #living(known: Map<number, Process>): readonly Process[] {
    const processes = this.#remember(known);
    return processes.filter(({ pid, startedAt }) => known.get(pid)?.startedAt === startedAt);
  }

  #remember(known: Map<number, Process>): readonly Process[] {
    const pid = this.#child?.pid;
    if (pid === undefined) return [];
    const processes = runningProcesses();
    const group = this.#hasOwnGroup ? processes.filter((one) => one.group === pid) : [];
    const family = this.#hasEnded ? [] : familyOf(pid, processes);
    for (const one of [...group, ...family]) known.set(one.pid, one);
    return processes;
  }

  #signalEach(processes: readonly Process[], signal: NodeJS.Signals): void {
    // At the least, and where processes cannot be listed.
    if (!this.#hasEnded) this.#child?.kill(signal);
    for (const { pid } of processes) if (pid !== this.#child?.pid) send(pid, signal);
  }
}

function notStarted(file: string, { code, message }: NodeJS.ErrnoException): Ending {
  if (code === 'ENOENT' || file === '') {
    return { exitCode: EXIT.notFound, failure: `${printable(file)}: command not found` };
  }
  const why = code === 'EACCES' ? 'not executable' : message;
  return { exitCode: EXIT.notExecutable, failure: printable(`${file}: ${why}`) };
}

function send(target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal);
  } catch {
    // It has ended meanwhile, or has become another user's.
  }
}
