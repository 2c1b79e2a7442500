import { describe } from '@jest/globals';
import { describeBlockingQueries } from './client/blocking-queries.ts';
import { describeExpiry } from './client/expiry.ts';
import type { ClientHarness } from './client/harness.ts';
import { describeKeys } from './client/keys.ts';
import { describeLocking } from './client/locking.ts';
import { describeRequests } from './client/requests.ts';
import { describeSessions } from './client/sessions.ts';
import { describeTransactions } from './client/transactions.ts';

export type { Client, ClientHarness } from './client/harness.ts';

/**
 * What the `consul` package's calls do on a Consul. The same facts hold for `FakeConsul`, which keeps it honest.
 *
 * Every test takes keys and sessions of its own, so that any number of them may share one server.
 */
export function describeClientContract(name: string, harness: ClientHarness): void {
  describe(`the consul client on ${name}`, () => {
    describeSessions(harness);
    describeExpiry(harness);
    describeKeys(harness);
    describeLocking(harness);
    describeBlockingQueries(harness);
    describeTransactions(harness);
    describeRequests(harness);
  });
}
