import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { compiledUrl } from './compiled.ts';
import { fileURLToPath } from 'node:url';
import { isStopped } from './consul-server/process-state.ts';
import { runCommand } from './consul-server/run-command.ts';
import { until } from './consul-server/until.ts';

/** What a child runs: a compiled file that takes `argument` as JSON, or a module's text. */
export type Program =
  { readonly file: `${string}.ts`; readonly argument: unknown } | { readonly text: string };

const living = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

/** A Node process of its own, which reports in lines of JSON on its standard output, and ends with us. */
export class ChildProgram implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #reports: unknown[] = [];
  #hasClosed = false;
  #complaints = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stderr!.on('data', (bytes: Buffer) => (this.#complaints += bytes.toString()));
    createInterface(child.stdout!).on('line', (line) => this.#reports.push(JSON.parse(line)));
    child.once('close', () => {
      this.#hasClosed = true;
      living.delete(child);
    });
  }

  static async start(program: Program): Promise<ChildProgram> {
    const node =
      'file' in program
        ? [fileURLToPath(compiledUrl(program.file)), JSON.stringify(program.argument)]
        : ['--input-type=module', '--eval', program.text];
    const [command, ...args] = [...(await endingWithUs()), process.execPath, ...node];
    const child = spawn(command!, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    // For what needs nobody at its standard input, that is not there.
    if ('text' in program) child.stdin.end();
    child.stdin.on('error', () => {});
    living.add(child);
    const started = new ChildProgram(child);
    await once(child, 'spawn');
    return started;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** What it wrote to its standard error. */
  get complaints(): string {
    return this.#complaints;
  }

  get isRunning(): boolean {
    return !this.#hasClosed;
  }

  /** The next report; rejects when the program ends without one. */
  async report<T>(withinMs = 15_000): Promise<T> {
    await until(() => this.#reports.length > 0 || this.#hasClosed, {
      timeoutMs: withinMs,
      intervalMs: 2,
      describe: () => `the child did not report; it complained: ${this.#complaints}`,
    });
    if (this.#reports.length === 0) {
      throw new Error(`the child ended without a report; it complained: ${this.#complaints}`);
    }
    return this.#reports.shift() as T;
  }

  /** A line to its standard input. */
  tell(command: string): void {
    this.#child.stdin!.write(`${command}\n`);
  }

  async ask<T>(command: string): Promise<T> {
    this.tell(command);
    return await this.report<T>();
  }

  /** How it ended, all its output read; rejects when it does not end in time. */
  async ended(withinMs = 15_000): Promise<{ code: number | null; signal: string | null }> {
    await until(() => this.#hasClosed, {
      timeoutMs: withinMs,
      intervalMs: 2,
      describe: () => `the child did not end; it complained: ${this.#complaints}`,
    });
    return { code: this.#child.exitCode, signal: this.#child.signalCode };
  }

  /** Resolves when none of its threads runs any more. */
  async freeze(): Promise<void> {
    this.#child.kill('SIGSTOP');
    await until(() => isStopped(this.pid), { timeoutMs: 5_000, intervalMs: 1 });
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    if (this.#hasClosed) return;
    this.#child.kill('SIGKILL');
    await this.ended();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

let tether: Promise<readonly string[]> | undefined;

/** What lets a command end with this process, also when that is killed and no handler runs. */
export async function endingWithUs(): Promise<readonly string[]> {
  const setpriv = ['setpriv', '--pdeathsig', 'KILL'] as const;
  tether ??= runCommand(setpriv[0], [...setpriv.slice(1), 'true']).then(
    () => setpriv,
    () => [],
  );
  return await tether;
}
