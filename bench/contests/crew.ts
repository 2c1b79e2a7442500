import type { ProcessArgument, TaskName, Tasks } from '../process/messages.ts';
import { machineMs } from '../measures/machine-clock.ts';
import { ContestProcess } from './contest-process.ts';

const CLOSED_WITHIN_MS = 20_000;

/** The processes of one contest. */
export class Crew {
  readonly members: readonly ContestProcess[];

  private constructor(members: readonly ContestProcess[]) {
    this.members = members;
  }

  /** Runs `act` with so many processes, which leave nothing behind on the server, and are gone at the end. */
  static async during<T>(
    size: number,
    argument: ProcessArgument,
    act: (crew: Crew) => Promise<T>,
  ): Promise<T> {
    const starts = await Promise.allSettled(
      Array.from({ length: size }, async () => await ContestProcess.start(argument)),
    );
    const members = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
    try {
      const failed = starts.find((start) => start.status === 'rejected');
      if (failed) throw failed.reason as Error;
      const crew = new Crew(members);
      const result = await act(crew);
      await crew.ask('close', undefined, CLOSED_WITHIN_MS);
      return result;
    } finally {
      await Promise.all(members.map(async (member) => await member.kill()));
    }
  }

  /** The same with a crew for each of these, all of them at the same time. */
  static async duringAll<T>(
    size: number,
    [argument, ...others]: readonly ProcessArgument[],
    act: (crews: readonly Crew[]) => Promise<T>,
  ): Promise<T> {
    if (!argument) return await act([]);
    return await Crew.during(
      size,
      argument,
      async (crew) => await Crew.duringAll(size, others, async (crews) => await act([crew, ...crews])),
    );
  }

  /**
   * Each takes and gives back a key of its own again and again: what happens some twenty times a second in a contest would
   * not be compiled for minutes.
   */
  async warmUp(key: string, forMs: number): Promise<void> {
    const startAt = machineMs();
    const to = startAt + forMs;
    await Promise.all(
      this.members.map(
        async (member, index) =>
          await member.ask('loop', { key: `${key}/${index}`, callers: 1, startAt, from: startAt, to }),
      ),
    );
  }

  /** The same to all of them. */
  async ask<Name extends TaskName>(
    task: Name,
    needs: Tasks[Name]['needs'],
    withinMs?: number,
  ): Promise<Tasks[Name]['answers'][]> {
    return await Promise.all(this.members.map(async (member) => await member.ask(task, needs, withinMs)));
  }
}
