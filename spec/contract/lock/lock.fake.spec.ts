import { FakeConsul } from '../../../lib/testing/index.ts';
import { beforeEach } from '@jest/globals';
import { describeLockContract } from './lock-contract.ts';

let fake: FakeConsul;

beforeEach(() => {
  fake = new FakeConsul({ sessionTtlMinMs: 100 });
});

describeLockContract('FakeConsul', () => ({ client: fake, elapse: async (ms) => await fake.advance(ms) }), {
  shortTtls: true,
});
