import { afterEach, beforeEach, describe, expect } from '@jest/globals';
import { lifecycle } from '../../../lib/lifecycle.ts';
import { sessionPool } from '../../../lib/session-pool.ts';
import { describeAcquiring } from './acquire-contract.ts';
import { describeHandle } from './handle-contract.ts';
import { Bench, type LockHarness } from './harness.ts';
import { describeHolding } from './hold-contract.ts';
import { describeTime } from './time-contract.ts';

/**
 * What every way to reach a Consul has to keep, the fake included.
 *
 * @param shortTtls - whether the server grants TTLs below ten seconds.
 */
export function describeLockContract(
  name: string,
  harness: () => LockHarness,
  { shortTtls }: { shortTtls: boolean },
): void {
  describe(`EphemeralLock on ${name}`, () => {
    let bench: Bench;

    beforeEach(() => {
      bench = new Bench(harness());
    });

    afterEach(async () => {
      // Sessions that were given back are kept for a second, for the next lock: not waited for each time.
      await sessionPool.drain();
      await lifecycle.settled();
      expect(await bench.sessionIds()).toEqual([]);
      for (const key of ['key', 'a', 'b', 'c']) {
        const entry = await bench.entry(key);
        if (entry?.Session === undefined) continue;
        const isForeign = (await bench.outsider.session.list()).some(
          ({ ID, Name }) => ID === entry.Session && Name !== bench.sessionName,
        );
        expect(isForeign).toBe(true);
        await bench.outsider.session.destroy(entry.Session);
      }
    });

    describeAcquiring(() => bench);
    describeHolding(() => bench);
    describeHandle(() => bench);
    (shortTtls ? describe : describe.skip)('as time passes', () => describeTime(() => bench));
  });
}
