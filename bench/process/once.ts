import type { Contestant } from '../contestants/contestant.ts';
import { machineMs } from '../measures/machine-clock.ts';
import type { OnceReport } from './messages.ts';
import { RequestCount } from './request-count.ts';

/** Takes a lock and gives it back, as a program does that seldom needs it. */
export async function once(contestant: Contestant, { key }: { key: string }): Promise<OnceReport> {
  using requests = new RequestCount();
  const calledAt = machineMs();
  const release = await contestant.lockOn(key, { waitMs: 0 }).acquire();
  await release();
  return { tookMs: machineMs() - calledAt, requests: requests.total };
}
