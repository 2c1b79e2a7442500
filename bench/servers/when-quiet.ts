import { until } from '../../spec/support/consul-server/until.ts';

const FOR_MS = 200;
const WITHIN_MS = 20_000;

/** Resolves when the count has not grown for a while. */
export async function whenQuiet(count: () => Promise<number>): Promise<void> {
  let last = await count();
  let since = performance.now();
  await until(
    async () => {
      const now = await count();
      if (now !== last) [last, since] = [now, performance.now()];
      return performance.now() - since > FOR_MS;
    },
    { timeoutMs: WITHIN_MS, intervalMs: 50, describe: () => 'somebody still writes to the server' },
  );
}
