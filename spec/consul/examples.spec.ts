import { describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { compiledUrl } from '../support/compiled.ts';
import { consulUnderTest } from '../support/consul.ts';

const EXPECTED: Record<string, RegExp> = {
  'await-using': /^sent to 42\n$/,
  configure: /^ours for \d+ s\n$/,
  'guarded-write': /^written\n$/,
  hold: /^sent to 42\n$/,
  'long-job': /^done\n$/,
  'try-acquire': /^sent to 42\n$/,
  'unit-test': /^lost in time\n$/,
};

describe('the examples', () => {
  it.each(Object.entries(EXPECTED))('%s does what it says, and ends by itself', async (name, expected) => {
    const child = spawn(process.execPath, [fileURLToPath(compiledUrl(`examples/${name}.ts`))], {
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
