import { setTimeout as pause } from 'node:timers/promises';
import { afterAll } from '@jest/globals';
import Consul from 'consul';
import { consulUnderTest } from '../support/consul.ts';
import { describeClientContract, type Client } from './client-contract.ts';

const { address, ownServer } = consulUnderTest();
const token = process.env['CONSUL_HTTP_TOKEN'];
const options = {
  baseUrl: `${address.includes('://') ? address : `http://${address}`}/v1`,
  ...(token !== undefined && { defaults: { token } }),
};
const consul = new Consul(options);

afterAll(() => {
  consul.destroy();
});

describeClientContract('Consul', {
  client: () => consul as unknown as Client,
  advance: async (ms) => await pause(ms),
  shortTtls: ownServer,
});
