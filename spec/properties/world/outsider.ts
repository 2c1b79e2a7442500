import { fullKeyOf } from './attempt.ts';
import { KEYS, type Stage } from './stage.ts';
import type { KeyName, Step } from './terms.ts';

type Interference = Extract<Step, { readonly key: KeyName }>;

/** As good as no TTL: the outsider keeps what it has until it yields. */
const LONG_MS = 80_000_000;

/** Somebody who does with keys and sessions what it likes. */
export class Outsider {
  readonly #stage: Stage;
  #session: string | undefined;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  interfere({ do: how, key: name }: Interference): void {
    const { server } = this.#stage;
    const key = fullKeyOf(name);
    const holder = server.holderOf(key);
    const attempt = holder && this.#stage.attemptOf(holder.value);
    switch (how) {
      case 'end session': {
        const session = holder?.session ?? server.latestSession;
        if (session !== undefined) this.#endSession(session);
        return;
      }
      case 'remove':
        if (attempt) attempt.disturbance = 'key removed';
        server.removeKey(key);
        return;
      case 'overwrite':
        // On a user's session an attempt that was never answered is then lost track of: nothing tells whose it was.
        if (attempt?.lock.isAdopted === true && attempt.state !== 'held') return;
        if (attempt) attempt.isOverwritten = true;
        // Also a lock that is overwritten and then left behind by the end of its session passes for data.
        this.#stage.hasData = true;
        server.overwrite(key, 'data');
        return;
      case 'seize':
        if (this.#session === undefined || !server.hasSession(this.#session)) {
          this.#session = server.openSession('outsider', LONG_MS);
        }
        server.seize(key, this.#session, 'seized');
        return;
      case 'force': {
        const process = this.#stage.processes[0]!;
        this.#stage.isForced = true;
        const forcing = process.modules.lib.forceRelease(name, { consulClient: this.#stage.fake });
        this.#stage.operate(
          'forceRelease',
          process,
          Infinity,
          forcing.then(() => {}),
        );
        return;
      }
    }
  }

  /** Gives up what it has. */
  yield(): void {
    if (this.#session !== undefined) this.#stage.server.endSession(this.#session);
    this.#session = undefined;
  }

  #endSession(session: string): void {
    const { server } = this.#stage;
    for (const key of KEYS) {
      const holder = server.holderOf(fullKeyOf(key));
      const attempt = holder?.session === session ? this.#stage.attemptOf(holder.value) : undefined;
      if (attempt) attempt.disturbance ??= 'session ended';
    }
    server.endSession(session);
  }
}
