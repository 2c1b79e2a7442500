import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Order, ProcessArgument, Reply, TaskName, Tasks } from '../process/messages.ts';

const PROGRAM = fileURLToPath(new URL('../process/contestant-process.js', import.meta.url));
const READY_WITHIN_MS = 30_000;

interface Pending {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

const living = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

/** The benchmark's end of a process of a contest. */
export class ContestProcess {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  #orders = 0;
  #complaints = '';

  private constructor(argument: ProcessArgument) {
    const stdio = ['ignore', 'ignore', 'pipe', 'ipc'] as const;
    this.#child = fork(PROGRAM, [JSON.stringify(argument)], { stdio: [...stdio] });
    this.#child.stderr!.on('data', (bytes: Buffer) => (this.#complaints += bytes.toString()));
    living.add(this.#child);
    this.#child.on('message', (reply: Reply) => this.#settle(reply));
    this.#child.once('exit', () => {
      living.delete(this.#child);
      const error = new Error(
        `a process of the contest ended: ${this.#complaints.trim() || 'without a word'}`,
      );
      for (const { reject } of this.#pending.values()) reject(error);
      this.#pending.clear();
    });
  }

  /** Resolves when the process can be told what to do. */
  static async start(argument: ProcessArgument): Promise<ContestProcess> {
    const started = new ContestProcess(argument);
    await started.#answerTo(0, 'its start', READY_WITHIN_MS);
    return started;
  }

  async ask<Name extends TaskName>(
    task: Name,
    needs: Tasks[Name]['needs'],
    withinMs = 60_000,
  ): Promise<Tasks[Name]['answers']> {
    this.#orders += 1;
    const answer = this.#answerTo(this.#orders, task, withinMs);
    this.#child.send({ id: this.#orders, task, needs } satisfies Order);
    return (await answer) as Tasks[Name]['answers'];
  }

  async kill(): Promise<void> {
    if (!living.has(this.#child)) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }

  async #answerTo(id: number, task: string, withinMs: number): Promise<unknown> {
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise((resolve, reject) => {
        this.#pending.set(id, { resolve, reject });
        const failure = `a process of the contest gave no answer to ${task} within ${withinMs} ms`;
        timer = setTimeout(() => reject(new Error(failure)), withinMs);
      });
    } finally {
      clearTimeout(timer);
      this.#pending.delete(id);
    }
  }

  #settle(reply: Reply): void {
    const pending = this.#pending.get(reply.id);
    if ('failure' in reply) pending?.reject(new Error(reply.failure));
    else pending?.resolve(reply.answer);
  }
}
