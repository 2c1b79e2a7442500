import { describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { compiledUrl } from '../support/compiled.ts';
import { consulUnderTest } from '../support/consul.ts';

const EXPECTED: Record<`${string}.ts`, RegExp> = {
  'examples/await-using.ts': /^sent to 42\n$/,
  'examples/configure.ts': /^ours for \d+ s\n$/,
  'examples/guarded-write.ts': /^written\n$/,
  'examples/hold.ts': /^sent to 42\n$/,
  'examples/long-job.ts': /^done\n$/,
  'examples/try-acquire.ts': /^sent to 42\n$/,
  'examples/unit-test.ts': /^lost in time\n$/,
};

describe('the examples', () => {
  it.each(Object.entries(EXPECTED))('%s does what it says, and ends by itself', async (name, expected) => {
    const child = spawn(process.execPath, [fileURLToPath(compiledUrl(name as `${string}.ts`))], {
      env: { ...process.env, CONSUL_HTTP_ADDR: consulUnderTest().address },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text: Buffer) => {
        printed += text.toString();
      });
    }
    const [code] = (await once(child, 'close')) as [number];
    expect([printed, code]).toEqual([expect.stringMatching(expected), 0]);
  });
});
