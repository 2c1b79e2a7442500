import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import { compiledUrl } from '../support/compiled.ts';
import { consulUnderTest, describeWithOwnAgents } from '../support/consul.ts';
import { waitForLeader } from '../support/consul-server/consul-readiness.ts';
import { consulRequest } from '../support/consul-server/consul-request.ts';

describeWithOwnAgents('npm run consul', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('prints what to set, and ends its server at %s', async (signal) => {
    const { CONSUL_HTTP_ADDR: _given, ...env } = process.env;
    const child = spawn(process.execPath, [fileURLToPath(compiledUrl('scripts/consul.ts'))], {
      env: { ...env, CONSUL_BIN: consulUnderTest().binary },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let address: string | undefined;
    for await (const line of createInterface(child.stdout)) {
      address = /^export CONSUL_HTTP_ADDR=(.+)$/.exec(line)?.[1];
      if (address !== undefined) break;
    }
    await waitForLeader(address!, { deadlineMs: 1_000 });
    const exit = once(child, 'exit');
    child.kill(signal);
    await expect(exit).resolves.toEqual([0, null]);
    await expect(consulRequest(address!, '/v1/status/leader')).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
  });
});
