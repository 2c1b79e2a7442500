import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { describeWithOwnAgents } from '../support/consul.ts';
import { spawnTethered } from '../support/consul-server/tethered-process.ts';
import { compiledLaboratory } from './compiled-laboratory.ts';

const SECONDS = Number(process.env['CHAOS_SECONDS'] ?? 90);
const FIXED_SEED = 20_240_229;

// Starting, healing, every key taken again, and the kinds of fault that were still to come.
jest.setTimeout((SECONDS + 300) * 1_000);

describeWithOwnAgents('locks on a cluster that is being broken', () => {
  let program: string;
  let folder: string;

  beforeAll(async () => {
    program = await compiledLaboratory();
    folder = mkdtempSync(join(tmpdir(), 'consul-lock-chaos-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([
    ['a fixed seed', FIXED_SEED],
    ['a random seed', randomInt(1, 2 ** 31)],
  ])('never have two holders, and keep all else that is promised, with %s (%d)', async (_name, seed) => {
    const { code, output } = await chaos(seed);
    console.log(output);
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('no violation') });
  });

  async function chaos(seed: number): Promise<{ code: unknown; output: string }> {
    const file = join(folder, `${seed}.log`);
    const output = openSync(file, 'w');
    const args = [program, '--minutes', String(SECONDS / 60), '--seed', String(seed)];
    const child = await spawnTethered(process.execPath, args, output);
    closeSync(output);
    child.ref();
    const [code] = (await once(child, 'exit')) as unknown[];
    return { code, output: readFileSync(file, 'utf8') };
  }
});
