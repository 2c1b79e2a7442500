import type { ConsulOrigin, FoundConsul } from './consul-server/find-consul.ts';

/** The server that all specs of a run share. */
export interface ConsulUnderTest {
  /** `host:port`, or whatever form `CONSUL_HTTP_ADDR` has. */
  readonly address: string;
  readonly origin: ConsulOrigin;
  /** Whether we started it, which then grants session TTLs from 100 ms. */
  readonly ownServer: boolean;
  /** What agents of one's own can be started with. */
  readonly binary?: string;
}

const VARIABLE = 'CONSUL_LOCK_SPEC_SERVER';

/** Jest's workers inherit the environment, and nothing else, from the process that runs the global setup. */
export function publishConsulUnderTest({ address, origin, ownServer, binary }: FoundConsul): void {
  process.env[VARIABLE] = JSON.stringify({ address, origin, ownServer, binary });
}

export function consulUnderTest(): ConsulUnderTest {
  const published = process.env[VARIABLE];
  if (published === undefined) {
    throw new Error('No Consul was found for this run: only specs of the jest project `consul` have one.');
  }
  return JSON.parse(published) as ConsulUnderTest;
}
