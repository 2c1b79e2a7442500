import { describe, expect, it } from '@jest/globals';
import { Example } from '../support/example.ts';

const EXPECTED: readonly (readonly [`${string}.ts`, RegExp])[] = [
  ['examples/await-using.ts', /^sent to 42\n$/],
  ['examples/configure.ts', /^ours for \d+ s\n$/],
  ['examples/guarded-write.ts', /^written\n$/],
  ['examples/hold.ts', /^sent to 42\n$/],
  ['examples/inspect.ts', /^locks\/ephemeral\/reports\/nightly consul-lock \S+ \d{4}-\S+Z 180000\nfreed\n$/],
  ['examples/long-job.ts', /^done\n$/],
  ['examples/try-acquire.ts', /^sent to 42\n$/],
  ['examples/unit-test.ts', /^lost in time\n$/],
];

describe('the examples', () => {
  it.each(EXPECTED)('%s does what it says, and ends by itself', async (file, expected) => {
    await using example = await Example.start(file);
    expect(await example.ended()).toEqual({ printed: expect.stringMatching(expected), code: 0 });
  });
});
