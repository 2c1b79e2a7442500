import { setTimeout as pause } from 'node:timers/promises';
import { PATIENT, type Contestant } from '../contestants/contestant.ts';
import { overtaken } from '../measures/fairness.ts';
import { machineMs, pauseUntil } from '../measures/machine-clock.ts';
import { RequestTime } from '../measures/request-time.ts';
import { Failures } from './failures.ts';
import type { LoopReport, LoopTask } from './messages.ts';
import { RequestCount } from './request-count.ts';

// Whoever fails at once must not fill the contest with failures.
const AFTER_A_FAILURE_MS = 50;

/** Takes one lock again and again with each of its callers, for a fixed time. */
export async function loop(contestant: Contestant, task: LoopTask): Promise<LoopReport> {
  const counts = (at = machineMs()): boolean => at >= task.from && at < task.to;
  using requests = new RequestCount(() => counts());
  using requestTime = task.timesRequests === true ? new RequestTime(task) : undefined;
  const failures = new Failures();
  const waitsMs: number[] = [];
  const heldAtMs: number[] = [];
  const cyclesMs: number[] = [];
  const served: number[] = [];
  const locksOfCallers = Array.from({ length: task.callers }, () => 0);
  let tickets = 0;
  let longestWaitMs = 0;

  async function turn(caller: number, acquire: () => Promise<() => Promise<void>>): Promise<void> {
    const ticket = tickets++;
    const calledAt = machineMs();
    const release = await acquire();
    const heldAt = machineMs();
    served.push(ticket);
    if (heldAt >= task.from) longestWaitMs = Math.max(longestWaitMs, Math.min(heldAt, task.to) - calledAt);
    if (counts(heldAt)) {
      locksOfCallers[caller]! += 1;
      waitsMs.push(heldAt - calledAt);
      heldAtMs.push(heldAt);
    }
    await release();
    const endedAt = machineMs();
    if (counts(endedAt)) cyclesMs.push(endedAt - calledAt);
  }

  await pauseUntil(task.startAt);
  await Promise.all(
    locksOfCallers.map(async (_, caller) => {
      const lock = contestant.lockOn(task.key, PATIENT);
      while (machineMs() < task.to) {
        try {
          await turn(caller, async () => await lock.acquire());
        } catch (error) {
          failures.note(error);
          await pause(AFTER_A_FAILURE_MS);
        }
      }
    }),
  );
  return {
    locks: waitsMs.length,
    locksOfCallers,
    waitsMs,
    heldAtMs,
    cyclesMs,
    longestWaitMs,
    overtaken: overtaken(served),
    requests: requests.total,
    underWayUs: requestTime?.totalUs,
    failures: failures.list,
  };
}
