import { FakeConsul } from '../../lib/testing/index.ts';
import { describeClientContract } from './client-contract.ts';

// One for all tests, as they share a real server, too.
const fake = new FakeConsul({ sessionTtlMin: 100 });

describeClientContract('FakeConsul', {
  client: () => fake,
  advance: async (ms) => await fake.advance(ms),
  shortTtls: true,
});
