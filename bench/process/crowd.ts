import { setTimeout as pause } from 'node:timers/promises';
import type { Contestant, Release } from '../contestants/contestant.ts';
import { overtaken } from '../measures/fairness.ts';
import { machineMs } from '../measures/machine-clock.ts';
import { Failures } from './failures.ts';
import type { CrowdReport, CrowdTask } from './messages.ts';
import { RequestCount } from './request-count.ts';

const UNTIL_ALL_WAIT_MS = 500;

/** Calls for all of the keys at once, which may be the same one many times. */
export async function crowd(contestant: Contestant, task: CrowdTask): Promise<CrowdReport> {
  const terms = { waitMs: task.waitMs };
  const failures = new Failures();
  const waitsMs: number[] = [];
  const served: number[] = [];
  const held: Release[] = [];
  const first = task.heldAtFirst
    ? await contestant.lockOn(task.keys[0]!, terms).acquire()
    : async (): Promise<void> => {};
  using requests = new RequestCount();
  let beganAt = machineMs();

  const all = task.keys.map(async (key, ticket) => {
    try {
      const release = await contestant.lockOn(key, terms).acquire();
      waitsMs.push(machineMs() - beganAt);
      served.push(ticket);
      if (task.givesBackAtOnce) await release();
      else held.push(release);
    } catch (error) {
      failures.note(error);
    }
  });
  if (task.heldAtFirst) {
    await pause(UNTIL_ALL_WAIT_MS);
    beganAt = machineMs();
    await first().catch((error) => failures.note(error));
  }
  await Promise.all(all);
  await Promise.all(held.map(async (release) => await release().catch((error) => failures.note(error))));
  return {
    waitsMs,
    tookMs: machineMs() - beganAt,
    overtaken: overtaken(served),
    requests: requests.total,
    failures: failures.list,
  };
}
