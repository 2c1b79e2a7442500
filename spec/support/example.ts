import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { endingWithUs } from './child-program.ts';
import { compiledUrl } from './compiled.ts';
import { consulUnderTest } from './consul.ts';
import { until } from './consul-server/until.ts';

const living = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

/** An example that runs as a reader would run it, in a process of its own. */
export class Example implements AsyncDisposable {
  readonly #child: ChildProcess;
  #printed = '';
  #hasClosed = false;

  private constructor(child: ChildProcess) {
    this.#child = child;
    living.add(child);
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('data', (bytes: Buffer) => (this.#printed += bytes.toString()));
    }
    child.once('close', () => {
      this.#hasClosed = true;
      living.delete(child);
    });
  }

  static async start(
    file: `${string}.ts`,
    args: readonly string[] = [],
    env: NodeJS.ProcessEnv = {},
  ): Promise<Example> {
    const program = [process.execPath, fileURLToPath(compiledUrl(file)), ...args];
    const [command, ...rest] = [...(await endingWithUs()), ...program];
    return new Example(
      spawn(command!, rest, {
        env: { ...process.env, CONSUL_HTTP_ADDR: consulUnderTest().address, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
  }

  /** All that it wrote, complaints too. */
  get printed(): string {
    return this.#printed;
  }

  get lines(): string[] {
    return this.#printed.split('\n').slice(0, -1);
  }

  /** The first line that matches, as soon as it is there. */
  async line(pattern: RegExp, withinMs = 15_000): Promise<string> {
    const find = (): string | undefined => this.lines.find((line) => pattern.test(line));
    const describe = (): string => `the example did not print ${pattern}, but: ${this.#printed}`;
    await until(() => find() !== undefined || this.#hasClosed, {
      timeoutMs: withinMs,
      intervalMs: 5,
      describe,
    });
    const found = find();
    if (found === undefined) throw new Error(describe());
    return found;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** What it wrote, and its exit code; rejects when it does not end. */
  async ended(withinMs = 15_000): Promise<{ printed: string; code: number | null }> {
    await until(() => this.#hasClosed, {
      timeoutMs: withinMs,
      intervalMs: 5,
      describe: () => `the example did not end; it printed: ${this.#printed}`,
    });
    return { printed: this.#printed, code: this.#child.exitCode };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended();
  }
}
