import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { compiledUrl } from '../support/compiled.ts';
import { consulUnderTest } from '../support/consul.ts';
import { consulRequest } from '../support/consul-server/consul-request.ts';
import { isAlive } from '../support/consul-server/process-state.ts';
import { until } from '../support/consul-server/until.ts';

const PROOF = [
  'never two holders at once',
  'fencing tokens only grow',
  'every increment counted, none lost',
  "a dead holder's lock comes free by itself",
  'nothing is left in Consul',
];

let child: ChildProcessByStdio<null, Readable, null> | undefined;
/** Who is killed by SIGKILL removes nothing. */
let temporaryFolder: string;

beforeEach(async () => {
  temporaryFolder = await mkdtemp(join(tmpdir(), 'consul-lock-spec-'));
});
afterEach(async () => {
  child?.kill('SIGKILL');
  await rm(temporaryFolder, { recursive: true });
});

/** Starts the demo; on a server of its own wherever the specs may start one. */
function startDemo(): ChildProcessByStdio<null, Readable, null> {
  const { ownServer, binary, address } = consulUnderTest();
  const { CONSUL_HTTP_ADDR: _given, ...env } = process.env;
  child = spawn(process.execPath, [fileURLToPath(compiledUrl('demo/demo.ts'))], {
    env: {
      ...env,
      TMPDIR: temporaryFolder,
      ...(!ownServer && { CONSUL_HTTP_ADDR: address }),
      ...(binary !== undefined && { CONSUL_BIN: binary }),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return child;
}

describe('npm run demo', () => {
  it('shows a killed holder, and proves itself', async () => {
    const demo = startDemo();
    const [output, [exitCode]] = await Promise.all([text(demo.stdout), once(demo, 'exit')]);
    expect(output).toMatch(/KILLED {4}by SIGKILL, while holding/);
    for (const claim of PROOF) expect(output).toContain(`✓ ${claim}`);
    expect(output).not.toContain('✗');
    expect(exitCode).toBe(0);
  }, 120_000);

  it.each([
    ['SIGKILL', null],
    ['SIGINT', 130],
  ] as const)(
    'leaves no process behind at %s',
    async (signal, exitCode) => {
      const demo = startDemo();
      let output = '';
      for await (const line of createInterface(demo.stdout)) {
        output += `${line}\n`;
        if (line.includes('HOLDS')) break;
      }
      const pids = Array.from(output.matchAll(/starts +as process (\d+)/g), ([, pid]) => Number(pid));
      expect(pids).toHaveLength(5);
      const exit = once(demo, 'exit');
      demo.kill(signal);
      const [code] = (await exit) as [number | null];
      expect(code).toBe(exitCode);
      await until(() => !pids.some(isAlive), {
        timeoutMs: 5_000,
        describe: () => `alive: ${pids.filter(isAlive).join(', ')}`,
      });
      const address = /started for this demo/.test(output) && /consul +(127\.\S+:\d+)/.exec(output)?.[1];
      if (address && consulUnderTest().binary !== undefined) {
        await until(() => refusesConnections(address), { timeoutMs: 5_000 });
      }
    },
    60_000,
  );
});

async function refusesConnections(address: string): Promise<boolean> {
  return await consulRequest(address, '/v1/status/leader').then(
    () => false,
    () => true,
  );
}
