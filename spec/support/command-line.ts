import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { compiledUrl } from './compiled.ts';
import { until } from './consul-server/until.ts';

export interface CommandLineTerms {
  /** As `CONSUL_HTTP_ADDR`. */
  readonly address: string;
  readonly env?: Readonly<Record<string, string>>;
}

const living = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

/** The command `consul-lock` as a user starts it: in a process of its own, off a terminal or on one. */
export class CommandLine implements AsyncDisposable {
  readonly #child: ChildProcess;
  #output = '';
  #words = '';
  #hasClosed = false;

  private constructor(child: ChildProcess) {
    this.#child = child;
    living.add(child);
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.#words += text));
    child.stdin!.on('error', () => {});
    child.once('close', () => {
      this.#hasClosed = true;
      living.delete(child);
    });
  }

  static async start(args: readonly string[], terms: CommandLineTerms): Promise<CommandLine> {
    return await CommandLine.#spawn(process.execPath, [PROGRAM, ...args], terms);
  }

  /** On a terminal of 100 columns; what it shows is `output`, and `pid` is not that of the command. */
  static async onTerminal(args: readonly string[], terms: CommandLineTerms): Promise<CommandLine> {
    const command = [process.execPath, PROGRAM, ...args].map(quoted).join(' ');
    const inside = `stty cols 100 rows 30; exec ${command}`;
    return await CommandLine.#spawn('script', ['-qefc', inside, '/dev/null'], terms);
  }

  /** As part of a line for bash, wherever that says `consul-lock`. */
  static async inShell(line: string, terms: CommandLineTerms): Promise<CommandLine> {
    return await CommandLine.#spawn('bash', ['-c', runnable(line)], terms);
  }

  /** A shell with job control on a terminal, to type lines into. */
  static async shellOnTerminal(terms: CommandLineTerms): Promise<CommandLine> {
    return await CommandLine.#spawn('script', ['-qefc', 'exec bash --norc -i', '/dev/null'], terms);
  }

  static async #spawn(file: string, args: readonly string[], terms: CommandLineTerms): Promise<CommandLine> {
    const own = Object.entries(process.env).filter(([name]) => !name.startsWith('CONSUL_'));
    const env = { ...Object.fromEntries(own), CONSUL_HTTP_ADDR: terms.address, ...terms.env };
    const child = spawn(file, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
    const started = new CommandLine(child);
    await once(child, 'spawn');
    return started;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** What it wrote to standard output. */
  get output(): string {
    return this.#output;
  }

  /** What it wrote to standard error. */
  get words(): string {
    return this.#words;
  }

  /** The match in its output, as soon as there is one. */
  async shows(pattern: RegExp, timeoutMs = 15_000): Promise<RegExpExecArray> {
    return await until(() => pattern.exec(this.#output), {
      timeoutMs,
      intervalMs: 5,
      describe: () => `${pattern} is not in the output: ${this.#output}\nthe words are: ${this.#words}`,
    });
  }

  /** In which `consul-lock` is the command. */
  typeLine(line: string): void {
    this.type(`${runnable(line)}\r`);
  }

  type(text: string): void {
    this.#child.stdin!.write(text);
  }

  endInput(): void {
    this.#child.stdin!.end();
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** The exit code, all output read; the name of the signal when one has ended it. */
  async ended(timeoutMs = 20_000): Promise<number | string | null> {
    await until(() => this.#hasClosed, {
      timeoutMs,
      intervalMs: 5,
      describe: () => `it does not end; its output: ${this.#output}\nits words: ${this.#words}`,
    });
    return this.#child.exitCode ?? this.#child.signalCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#hasClosed) return;
    // A command of `run` would outlive SIGKILL.
    this.#child.kill('SIGTERM');
    await this.ended().catch(() => this.#child.kill('SIGKILL'));
  }
}

const PROGRAM = fileURLToPath(compiledUrl('lib/cli.ts'));

function runnable(line: string): string {
  return line.replaceAll('consul-lock', `${quoted(process.execPath)} ${quoted(PROGRAM)}`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
