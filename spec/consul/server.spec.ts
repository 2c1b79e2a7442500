import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { compiledUrl } from '../support/compiled.ts';
import {
  consulUnderTest,
  describeWithOwnAgents,
  describeWithOwnServer,
  startAgent,
} from '../support/consul.ts';
import { ConsulAgent } from '../support/consul-server/consul-agent.ts';
import { waitForLeader } from '../support/consul-server/consul-readiness.ts';
import { consulRequest, type ConsulRequestOptions } from '../support/consul-server/consul-request.ts';
import { freePorts } from '../support/consul-server/free-ports.ts';
import { isAlive } from '../support/consul-server/process-state.ts';
import { until } from '../support/consul-server/until.ts';

async function put(
  address: string,
  path: string,
  body: string,
  options: ConsulRequestOptions = {},
): Promise<number> {
  const { status } = await consulRequest(address, path, { method: 'PUT', body, ...options });
  return status;
}

describe('the Consul of this run', () => {
  it('answers and knows a leader', async () => {
    const { status, text } = await consulRequest(consulUnderTest().address, '/v1/status/leader');
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatch(/:\d+$/);
  });
});

describeWithOwnServer('the server that we started', () => {
  it('grants sessions of 100 ms', async () => {
    const { address } = consulUnderTest();
    await expect(put(address, '/v1/session/create', '{"TTL":"100ms"}')).resolves.toBe(200);
  });
});

describeWithOwnAgents('ConsulAgent', () => {
  describe('in mode dev', () => {
    let agent: ConsulAgent;
    beforeAll(async () => {
      agent = await startAgent();
    });
    afterAll(async () => await agent.stop());

    it('grants sessions with the default checks as soon as it has started', async () => {
      await expect(put(agent.address, '/v1/session/create', '{}')).resolves.toBe(200);
    });

    it('answers nothing while it is frozen, and all when it is thawed', async () => {
      await agent.freeze();
      const pending = consulRequest(agent.address, '/v1/status/leader', { timeoutMs: 10_000 });
      await expect(Promise.race([pending, pause(100, 'silence')])).resolves.toBe('silence');
      agent.thaw();
      await expect(pending).resolves.toMatchObject({ status: 200 });
    });

    it('is gone when it is killed, and back at its address after a restart', async () => {
      const { pid, address } = agent;
      await agent.kill();
      expect(agent.isRunning).toBe(false);
      expect(isAlive(pid)).toBe(false);
      await expect(consulRequest(address, '/v1/status/leader')).rejects.toMatchObject({
        code: 'ECONNREFUSED',
      });
      await agent.restart();
      expect(agent.address).toBe(address);
      await expect(put(address, '/v1/session/create', '{}')).resolves.toBe(200);
    });

    it('shows its last words', () => {
      expect(agent.log()).toMatch(/agent/i);
    });
  });

  it('ends, and its folder with it, when it is stopped, even if it is frozen', async () => {
    const agent = await startAgent();
    const { pid, folder } = agent;
    await agent.freeze();
    await agent.stop();
    expect(isAlive(pid)).toBe(false);
    expect(existsSync(folder)).toBe(false);
  });

  it('keeps its data over a restart in mode server, and serves a client agent', async () => {
    await using server = await startAgent({ mode: 'server' });
    await using client = await startAgent({ mode: 'client', join: [server] });
    await expect(put(client.address, '/v1/kv/kept', 'value')).resolves.toBe(200);
    await server.restart();
    await expect(consulRequest(server.address, '/v1/kv/kept?raw')).resolves.toMatchObject({ text: 'value' });
  });

  it('denies all to who has no token when a management token is set', async () => {
    const managementToken = '11111111-2222-3333-4444-555555555555';
    await using agent = await startAgent({ managementToken });
    await expect(put(agent.address, '/v1/kv/key', 'value')).resolves.toBe(403);
    await expect(put(agent.address, '/v1/kv/key', 'value', { token: managementToken })).resolves.toBe(200);
  });

  it('says why an agent does not start', async () => {
    await expect(startAgent({ config: { no_such_word: true } })).rejects.toThrow(
      /ended at its start.*no_such_word/s,
    );
  });

  it('finds other ports when its own are taken', async () => {
    await using first = await startAgent();
    const choices = [freePorts(2, first.host).then((others) => [first.port, ...others])];
    const choosePorts: typeof freePorts = async (...args) => await (choices.shift() ?? freePorts(...args));
    await using second = await startAgent({ choosePorts });
    expect(second.port).not.toBe(first.port);
  });

  it('forms a datacenter of three servers', async () => {
    const options = { binary: consulUnderTest().binary!, mode: 'server', bootstrapExpect: 3 } as const;
    await using first = await ConsulAgent.launch(options);
    await using second = await ConsulAgent.launch({ ...options, join: [first] });
    await using third = await ConsulAgent.launch({ ...options, join: [first] });
    await Promise.all([first.ready(), second.ready(), third.ready()]);
    const { text } = await consulRequest(third.address, '/v1/status/peers');
    expect(JSON.parse(text)).toHaveLength(3);
  });
});

describeWithOwnAgents('the agents of a process that is killed', () => {
  let temporaryFolder: string;
  let child: ChildProcess;
  beforeEach(async () => {
    temporaryFolder = await mkdtemp(join(tmpdir(), 'consul-lock-spec-'));
  });
  afterEach(async () => {
    child.kill('SIGKILL');
    await rm(temporaryFolder, { recursive: true });
  });

  async function startInChild(env: NodeJS.ProcessEnv): Promise<{ pid: number; address: string }> {
    const script = `
      import { ConsulAgent } from '${compiledUrl('spec/support/consul-server/consul-agent.ts')}';
      const agent = await ConsulAgent.start({ binary: process.argv[1] });
      console.log(JSON.stringify({ pid: agent.pid, address: agent.address }));
      setInterval(() => {}, 60_000);
    `;
    const args = ['--input-type=module', '-e', script, consulUnderTest().binary!];
    const started = spawn(process.execPath, args, {
      env: { ...env, TMPDIR: temporaryFolder },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child = started;
    const [line] = (await once(started.stdout, 'data')) as [Buffer];
    return JSON.parse(line.toString()) as { pid: number; address: string };
  }

  const { PATH, ...withoutPath } = process.env;
  it.each([
    ['where the system can tie their lives to ours', { ...withoutPath, PATH }],
    ['where a watchdog has to', { ...withoutPath, PATH: '/var/empty' }],
  ])('end with it %s', async (_where, env) => {
    const { pid, address } = await startInChild(env);
    await waitForLeader(address, { deadlineMs: 1_000 });
    child.kill('SIGKILL');
    await until(() => !isAlive(pid), { timeoutMs: 5_000 });
    expect(isAlive(pid)).toBe(false);
  });
});
