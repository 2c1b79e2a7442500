import { Seeded } from '../../faults/laboratory/seeded.ts';
import { realProcess } from '../../support/real-process.ts';
import { Acquisitions } from './acquisitions.ts';
import { Aftermath } from './aftermath.ts';
import { Breach } from './breach.ts';
import { Lookout } from './lookout.ts';
import type { Modules } from './modules.ts';
import { Outsider } from './outsider.ts';
import { Stage } from './stage.ts';
import type { Step, Terms } from './terms.ts';
import { Uses } from './uses.ts';
import type { WorldProcess } from './world-process.ts';

/** `shutdown` waits no longer, beyond its grace. */
const TIDYING_MS = 15_000;

/** A Consul, processes that contend for its keys, and all that befalls them, by one sequence of steps. */
export class World {
  readonly #stage: Stage;
  readonly #acquisitions: Acquisitions;
  readonly #uses: Uses;
  readonly #outsider: Outsider;
  readonly #lookout: Lookout;
  #isOver = false;

  private constructor(stage: Stage) {
    this.#stage = stage;
    this.#acquisitions = new Acquisitions(stage);
    this.#uses = new Uses(stage);
    this.#outsider = new Outsider(stage);
    this.#lookout = new Lookout(stage);
  }

  /** Rejects when a rule is broken, and tells what led to it. Then the modules are of no more use. */
  static async run(
    modules: readonly Modules[],
    terms: Terms,
    steps: readonly Step[],
    options: { isCalm: boolean },
  ): Promise<void> {
    const stage = new Stage(modules, terms, options);
    const world = new World(stage);
    const undo = world.#replaceGlobals();
    try {
      await world.#run(steps);
    } finally {
      world.#isOver = true;
      for (const { lib } of modules) lib.resetDefaults();
      for (const back of undo) back();
    }
  }

  /** Whatever the code under test reads of time and chance is this world's. */
  #replaceGlobals(): (() => void)[] {
    const { terms, server } = this.#stage;
    const random = new Seeded(terms.seed);
    const unhandled = (reason: unknown): void =>
      this.#stage.guard(() => {
        throw new Breach(`nobody handles ${String(reason)}`);
      });
    const process = realProcess();
    process.on('unhandledRejection', unhandled);
    return [
      () => process.off('unhandledRejection', unhandled),
      replaced(Math, 'random', () => random.next()),
      replaced(performance, 'now', () => this.#stage.now),
      replaced(AbortSignal, 'timeout', (ms: number) => {
        const controller = new AbortController();
        server.clock.schedule(ms, () => controller.abort(new Error('its time is over')));
        return controller.signal;
      }),
    ];
  }

  async #run(steps: readonly Step[]): Promise<void> {
    const { terms, processes } = this.#stage;
    if (terms.isBrisk) for (const each of processes) each.modules.justUsed(this.#stage.optionsOf(each));
    this.#keepLooking();
    for (const step of steps) {
      this.#stage.note('step', step);
      this.#stage.isStirred = true;
      this.#stage.guard(() => this.#start(step));
      await this.#wait(step);
      this.#stage.assertUnbroken();
    }
    await new Aftermath(this.#stage, {
      acquisitions: this.#acquisitions,
      uses: this.#uses,
      outsider: this.#outsider,
      lookout: this.#lookout,
    }).run();
  }

  /** After every turn of the event loop in which anything has happened. */
  #keepLooking(): void {
    if (this.#isOver) return;
    if (this.#stage.isStirred) this.#lookout.look();
    setImmediate(() => this.#keepLooking());
  }

  async #wait(step: Step): Promise<void> {
    if (step.do === 'turns') {
      for (let count = 0; count < step.count; count++) await turn();
    } else if (step.do === 'advance') {
      await this.#stage.fake.advance(step.ms);
      this.#lookout.look();
    }
  }

  #start(step: Step): void {
    const { attempts, processes } = this.#stage;
    switch (step.do) {
      case 'acquire':
      case 'try':
      case 'hold':
        this.#acquisitions.start(step);
        return;
      case 'use': {
        const attempt = fromTheEnd(
          attempts.filter(({ handle }) => handle),
          step.of,
        );
        if (attempt && !attempt.process.clock.isPaused) this.#uses.use(attempt, step.how);
        return;
      }
      case 'abort': {
        const attempt = fromTheEnd(attempts, step.of);
        if (attempt && !attempt.process.clock.isPaused) this.#acquisitions.cancel(attempt);
        return;
      }
      case 'doom':
        this.#stage.isRough = true;
        processes[step.process]!.line.doom(step.target, step.fate, step.times);
        return;
      case 'heal':
        for (const { line } of processes) line.heal();
        return;
      case 'end session':
      case 'remove':
      case 'overwrite':
      case 'seize':
      case 'force':
        this.#outsider.interfere(step);
        return;
      case 'yield':
        this.#outsider.yield();
        return;
      case 'pause': {
        const process = processes[step.process]!;
        this.#stage.isRough = true;
        const onWaking = (): void => this.#lookout.look(process);
        process.clock.pause(step.ms, { first: step.first, onWaking });
        return;
      }
      case 'set wall':
        processes[step.process]!.clock.setWall(step.ms);
        return;
      case 'shut down':
        this.#shutDown(processes[step.process]!, step.graceMs);
        return;
      case 'advance':
      case 'turns':
        return;
    }
  }

  #shutDown(process: WorldProcess, graceMs: number): void {
    if (process.clock.isPaused) return;
    process.isShutDown = true;
    const own = this.#stage.attempts.filter((attempt) => attempt.process === process);
    const shuttingDown = process.modules.lib.shutdown({ graceMs }).then(() => {
      const held = own.find(({ handle }) => handle?.isHeld);
      if (held) throw held.breach('is held after the shutdown');
    });
    this.#stage.operate(`shutdown of ${process.name}`, process, graceMs + TIDYING_MS, shuttingDown);
    const unwarned = own.find(({ signal, handle }) => handle?.isHeld && signal?.aborted === false);
    if (unwarned) throw unwarned.breach('was not warned of a shutdown');
  }
}

async function turn(): Promise<void> {
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
}

function fromTheEnd<T>(list: readonly T[], back: number): T | undefined {
  return list[list.length - 1 - (back % Math.max(1, list.length))];
}

/** Answers how to put back what was there. */
function replaced<T extends object, Name extends keyof T>(owner: T, name: Name, value: T[Name]): () => void {
  const was = Object.getOwnPropertyDescriptor(owner, name);
  Object.defineProperty(owner, name, { value, configurable: true, writable: true });
  return () => {
    if (was) Object.defineProperty(owner, name, was);
    else delete owner[name];
  };
}
