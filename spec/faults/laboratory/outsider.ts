import { forceRelease } from '../../../lib/index.ts';
import { clientFor } from '../../support/client.ts';
import type { OutsiderFault } from '../history/facts.ts';
import { machineTimeMs } from '../history/machine-time.ts';
import { SERVERS, type Cluster } from './cluster.ts';
import type { FaultLog } from './fault-log.ts';
import { heldKeys, type HeldKey } from './held-keys.ts';
import type { Step } from './plan.ts';

/** Somebody who takes locks away from their holders. */
export class Outsider {
  readonly #cluster: Cluster;
  readonly #run: string;
  readonly #log: FaultLog;

  constructor(cluster: Cluster, run: string, log: FaultLog) {
    this.#cluster = cluster;
    this.#run = run;
    this.#log = log;
  }

  /** Goes without a trace when nobody holds anything that could be taken. */
  async intrude({ fault, aim }: Step<OutsiderFault>): Promise<void> {
    const held = await heldKeys(this.#cluster, this.#run);
    const target = held[Math.floor(aim * held.length)];
    const removed = target && (await this.#remove(fault, target));
    if (!target || !removed) return;
    const what = fault === 'session-destroyed' ? 'session' : 'key';
    const { Key: key, Session: session } = target;
    // At once over: the removal is in the history with its own times.
    await this.#log.during(fault, key.split('/').at(-1)!, `session ${session}`, async () => {
      this.#log.tell({
        kind: 'removal',
        at: removed.at,
        before: removed.before,
        what,
        session,
        key,
        certain: removed.certain,
      });
    });
  }

  /** Undefined when the lock was somebody else's by then. */
  async #remove(
    fault: OutsiderFault,
    target: HeldKey,
  ): Promise<{ before: number; at: number; certain: boolean } | undefined> {
    const before = machineTimeMs();
    const removed = await this.#attempt(fault, target).catch(() => 'unknown' as const);
    return removed === false ? undefined : { before, at: machineTimeMs(), certain: removed === true };
  }

  async #attempt(fault: OutsiderFault, { Key, Session }: HeldKey): Promise<boolean> {
    const server = SERVERS.find((name) => this.#cluster.agents[name].isRunning)!;
    switch (fault) {
      case 'session-destroyed': {
        const answer = await this.#cluster.ask(server, `/v1/session/destroy/${Session}`, { method: 'PUT' });
        if (answer.status !== 200) throw new Error(answer.text);
        return true;
      }
      case 'key-deleted': {
        const body = JSON.stringify([
          { KV: { Verb: 'check-session', Key, Session } },
          { KV: { Verb: 'delete', Key } },
        ]);
        const answer = await this.#cluster.ask(server, '/v1/txn', { method: 'PUT', body });
        if (answer.status !== 200 && answer.status !== 409) throw new Error(answer.text);
        return answer.status === 200;
      }
      case 'force-released': {
        const consulClient = clientFor(this.#cluster.agents[server].address);
        try {
          return await forceRelease(Key, { ifSession: Session, consulClient, lockKeyPattern: '%s' });
        } finally {
          consulClient.destroy();
        }
      }
    }
  }
}
