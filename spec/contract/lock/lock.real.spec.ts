import { afterAll, beforeAll, describe } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import Consul from 'consul';
import { ConsulAgent } from '../../support/consul-server/consul-agent.ts';
import { consulUnderTest, describeWithOwnAgents } from '../../support/consul.ts';
import { clientFor } from '../../support/client.ts';
import { describeLockContract } from './lock-contract.ts';

const { address, ownServer, binary } = consulUnderTest();

describe('a server', () => {
  let client: Consul;

  beforeAll(() => {
    client = clientFor(address);
  });
  afterAll(() => client.destroy());

  describeLockContract('a server', () => ({ client, elapse: pause }), { shortTtls: ownServer });
});

describeWithOwnAgents('a client agent in front of a server', () => {
  let server: ConsulAgent;
  let agent: ConsulAgent;
  let client: Consul;

  beforeAll(async () => {
    server = await ConsulAgent.start({ binary: binary as string, mode: 'server' });
    agent = await ConsulAgent.start({ binary: binary as string, mode: 'client', join: [server] });
    client = clientFor(agent.address);
  }, 30_000);
  afterAll(async () => {
    client.destroy();
    await agent.stop();
    await server.stop();
  });

  describeLockContract('a client agent', () => ({ client, elapse: pause }), { shortTtls: true });
});
