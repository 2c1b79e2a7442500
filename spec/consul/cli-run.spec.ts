import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, jest } from '@jest/globals';
import type { CommandLine } from '../support/command-line.ts';
import { CommandStage } from '../support/command-stage.ts';
import { describeWithOwnAgents } from '../support/consul.ts';
import { isAlive, isStopped } from '../support/consul-server/process-state.ts';
import { until } from '../support/consul-server/until.ts';

jest.setTimeout(45_000);

describeWithOwnAgents('consul-lock run', () => {
  const stage = CommandStage.open();

  async function run(args: readonly string[], env: Record<string, string> = {}): Promise<CommandLine> {
    return await stage.start(['run', ...args], env);
  }

  /** For Consul: for the lock, or for its loss. */
  async function untilWaiting(): Promise<void> {
    await until(() => stage.proxy.requests.some(({ path }) => path.includes('index=')), {
      timeoutMs: 10_000,
    });
  }

  it('runs the command while it holds the lock, which the command finds in its environment', async () => {
    const line = await run([
      stage.scene.key(),
      '--',
      'sh',
      '-c',
      'echo "$CONSUL_LOCK_KEY $CONSUL_LOCK_SESSION $CONSUL_LOCK_FENCING_TOKEN"; read answer; echo "$answer"',
    ]);
    const [, key, session, token] = await line.shows(/(\S+) (\S+) (\d+)\n/);
    expect(key).toBe(stage.scene.key());
    expect(await stage.scene.entry()).toMatchObject({ Session: session, ModifyIndex: Number(token) });
    line.type('passed through\n');
    expect(await line.ended()).toBe(0);
    expect(line.output).toContain('passed through\n');
    expect(line.words).toBe('');
    expect([await stage.scene.left(), await stage.sessions()]).toEqual([{ keys: [], sessions: [] }, []]);
  });

  it('gives the command its arguments as they are, those after another "--" too', async () => {
    const line = await run([stage.scene.key(), '--', 'printf', '%s|', '--help', '--', 'a b', '']);
    expect([await line.ended(), line.output]).toEqual([0, '--help|--|a b||']);
  });

  describe('ends with', () => {
    const folder = mkdtempSync(join(tmpdir(), 'consul-lock-cli-'));
    const plainFile = join(folder, 'plain-file');
    writeFileSync(plainFile, 'echo never');
    chmodSync(plainFile, 0o644);
    afterAll(() => rmSync(folder, { recursive: true }));

    it.each([
      ["the command's exit code", ['sh', '-c', 'exit 3'], 3, ''],
      ['128 + n when the command ended by signal n', ['sh', '-c', 'kill -KILL $$'], 137, ''],
      [
        '127 when the command is not found',
        ['no-such-command'],
        127,
        'consul-lock: no-such-command: command not found\n',
      ],
      [
        '126 when the command is not executable',
        [plainFile],
        126,
        `consul-lock: ${plainFile}: not executable\n`,
      ],
    ])('%s, and leaves nothing behind', async (_title, command, exitCode, words) => {
      const line = await run([stage.scene.key(), '--', ...command]);
      expect([await line.ended(), line.output, line.words]).toEqual([exitCode, '', words]);
      expect([await stage.scene.left(), await stage.sessions()]).toEqual([{ keys: [], sessions: [] }, []]);
    });

    it('75 when another has the lock, and says who', async () => {
      const held = await stage.scene.rareLock({ lockTimeoutMs: 30_000 }).acquire();
      const line = await run([stage.scene.key(), '--', 'echo', 'never']);
      expect([await line.ended(), line.output]).toEqual([75, '']);
      expect(line.words).toMatch(
        new RegExp(
          `^consul-lock: not acquired: ${stage.scene.key()} is held by \\S+ pid ${process.pid} ` +
            `\\(session ${stage.scene.name}, node ${stage.agent.node}\\) since \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\n$`,
        ),
      );
      expect(await stage.sessions()).toEqual([held.sessionId]);
      expect(await held.release()).toBe(true);
    });

    it('75 when there is data under the key that never was a lock', async () => {
      await stage.scene.ask(`/v1/kv/${stage.scene.fullKey()}`, { method: 'PUT', body: 'data' });
      const line = await run([stage.scene.key(), '--timeout', '1s', '--', 'echo', 'never']);
      expect([await line.ended(), line.output]).toEqual([75, '']);
      expect(line.words).toMatch(/never was a lock/);
      await stage.removeKeys();
    });

    it('69 when Consul is unavailable', async () => {
      stage.proxy.refuse = true;
      const line = await run([stage.scene.key(), '--', 'echo', 'never']);
      expect([await line.ended(), line.output]).toEqual([69, '']);
      expect(line.words).toMatch(/^consul-lock: \S+: Consul is unavailable: [^\n]+\n$/);
    });

    it.each([
      [
        'an unknown option',
        ['--tll', '10s', 'key', '--', 'true'],
        /unknown option --tll; did you mean --ttl\?/,
      ],
      [
        'a TTL that is too short',
        ['--ttl', '5s', 'key', '--', 'true'],
        /--ttl must be from 10s to 24h; got 5s/,
      ],
      ['a key that cannot be', ['a//b', '--', 'true'], /must not contain "\/\/"/],
      ['no command', ['key'], /a command is missing after "--" \(see consul-lock run --help\)/],
    ])('64 for %s', async (_title, args, words) => {
      const line = await run(args);
      expect([await line.ended(), line.output]).toEqual([64, '']);
      expect(line.words).toMatch(words);
      expect(line.words.trimEnd().split('\n')).toHaveLength(1);
    });

    it('64 for an address of Consul that cannot be', async () => {
      const line = await run([stage.scene.key(), '--', 'true'], { CONSUL_HTTP_ADDR: 'ftp://consul' });
      expect([await line.ended(), line.words]).toEqual([64, expect.stringContaining('CONSUL_HTTP_ADDR')]);
    });
  });

  describe('--timeout', () => {
    it('waits for another holder', async () => {
      const held = await stage.scene.rareLock({ lockTimeoutMs: 30_000 }).acquire();
      const line = await run(['--timeout', '20s', stage.scene.key(), '--', 'echo', 'its turn']);
      await untilWaiting();
      expect(line.output).toBe('');
      expect(await held.release()).toBe(true);
      expect([await line.ended(), line.output, line.words]).toEqual([0, 'its turn\n', '']);
    });

    it('gives up after its time', async () => {
      const held = await stage.scene.rareLock({ lockTimeoutMs: 30_000 }).acquire();
      const line = await run([stage.scene.key(), '--timeout', '500ms', '--', 'echo', 'never']);
      expect([await line.ended(), line.output]).toEqual([75, '']);
      expect(await held.release()).toBe(true);
    });

    it.each([
      ['SIGINT', 130],
      ['SIGTERM', 143],
      ['SIGHUP', 129],
      ['SIGQUIT', 131],
    ] as const)('waits until %s at the longest, and leaves nothing behind', async (signal, exitCode) => {
      const held = await stage.scene.rareLock({ lockTimeoutMs: 30_000 }).acquire();
      const line = await run([stage.scene.key(), '--timeout', 'inf', '--', 'echo', 'never']);
      await untilWaiting();
      line.signal(signal);
      expect([await line.ended(), line.output]).toEqual([exitCode, '']);
      expect(line.words).toBe(`consul-lock: interrupted by ${signal}\n`);
      expect(await stage.sessions()).toEqual([held.sessionId]);
      expect(await held.release()).toBe(true);
    });

    it('leaves the rest to the TTL at the second signal, when Consul does not answer', async () => {
      const held = await stage.scene.rareLock({ lockTimeoutMs: 10_000 }).acquire();
      const line = await run([stage.scene.key(), '--timeout', 'inf', '--', 'echo', 'never']);
      await untilWaiting();
      stage.proxy.blackhole = true;
      const interrupting = setInterval(() => line.signal('SIGINT'), 200);
      const interruptedAt = performance.now();
      expect([await line.ended(), line.output]).toEqual([130, '']);
      clearInterval(interrupting);
      expect(performance.now() - interruptedAt).toBeLessThan(3_000);
      stage.proxy.heal();
      expect(await held.release()).toBe(true);
      for (const id of await stage.sessions()) await stage.scene.destroySession(id);
    });
  });

  describe('passes on', () => {
    it.each(['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'] as const)(
      '%s, once, and ends with what the command makes of it',
      async (signal) => {
        const name = signal.slice(3);
        const line = await run([
          stage.scene.key(),
          '--',
          'sh',
          '-c',
          `trap 'echo got ${name}' ${name}; echo ready; read first; read second; exit 5`,
        ]);
        await line.shows(/ready\n/);
        line.signal(signal);
        await line.shows(/got/);
        line.type('\n\n');
        expect(await line.ended()).toBe(5);
        expect(line.output).toBe(`ready\ngot ${name}\n`);
        expect([await stage.scene.left(), await stage.sessions()]).toEqual([{ keys: [], sessions: [] }, []]);
      },
    );

    it('SIGTERM to what the command has started too, and ends with 128 + 15', async () => {
      const line = await run([stage.scene.key(), '--', 'sh', '-c', 'sleep 60 & echo "$!."; wait']);
      const [, grandchild] = await line.shows(/(\d+)\.\n/);
      line.signal('SIGTERM');
      expect(await line.ended()).toBe(143);
      await until(() => !isAlive(Number(grandchild)), { timeoutMs: 2_000 });
      expect(await stage.sessions()).toEqual([]);
    });

    it('a stop and the going on', async () => {
      const line = await run([stage.scene.key(), '--', 'sh', '-c', 'echo "$$."; read end; exit 6']);
      const [, pid] = await line.shows(/(\d+)\.\n/);
      line.signal('SIGTSTP');
      await until(() => isStopped(line.pid) && isStopped(Number(pid)), { timeoutMs: 5_000 });
      line.signal('SIGCONT');
      await until(() => !isStopped(Number(pid)), { timeoutMs: 5_000 });
      line.type('\n');
      expect(await line.ended()).toBe(6);
    });
  });

  describe('when the lock is lost', () => {
    const MOTHER = `echo "$CONSUL_LOCK_SESSION $$ $!."; wait`;

    it('ends the command and what that has started, says why, and ends with 76', async () => {
      const line = await run([stage.scene.key(), '--', 'sh', '-c', `sleep 60 & ${MOTHER}`]);
      const [, session, ...pids] = await line.shows(/(\S+) (\d+) (\d+)\./);
      await stage.scene.destroySession(session!);
      expect(await line.ended()).toBe(76);
      expect(line.words).toMatch(
        /^consul-lock: the lock on '\S+' was lost after \d+ ms: its session was ended; ending the command\n$/,
      );
      expect(pids.map(Number).filter(isAlive)).toEqual([]);
    });

    it('ends with 76 also when the command then ends with 0', async () => {
      const line = await run([
        stage.scene.key(),
        '--',
        'sh',
        '-c',
        `trap 'echo tidied up; exit 0' TERM; sleep 60 & ${MOTHER}`,
      ]);
      const [, session] = await line.shows(/(\S+) (\d+) (\d+)\./);
      await stage.scene.destroySession(session!);
      expect(await line.ended()).toBe(76);
      expect(line.output).toContain('tidied up\n');
    });

    it('sends SIGKILL after 5 s to what ignores SIGTERM, also when its parent has ended', async () => {
      const line = await run([
        stage.scene.key(),
        '--',
        'sh',
        '-c',
        `(trap '' TERM; exec sleep 60) & ${MOTHER}`,
      ]);
      const [, session, , grandchild] = await line.shows(/(\S+) (\d+) (\d+)\./);
      await stage.scene.destroySession(session!);
      const lostAt = performance.now();
      expect(await line.ended()).toBe(76);
      expect(performance.now() - lostAt).toBeGreaterThan(4_900);
      expect(isAlive(Number(grandchild))).toBe(false);
    });

    it('ends a command that is stopped', async () => {
      const line = await run([stage.scene.key(), '--', 'sh', '-c', `sleep 60 & ${MOTHER}`]);
      const [, session, ...pids] = await line.shows(/(\S+) (\d+) (\d+)\./);
      line.signal('SIGTSTP');
      await until(() => isStopped(line.pid), { timeoutMs: 5_000 });
      await stage.scene.destroySession(session!);
      line.signal('SIGCONT');
      expect(await line.ended()).toBe(76);
      expect(pids.map(Number).filter(isAlive)).toEqual([]);
    });

    it('by its TTL, the command is ended; with --renew it is not lost', async () => {
      const [lost, kept] = await Promise.all([
        run([stage.scene.key('lost'), '--ttl', '10s', '--', 'sleep', '60']),
        run([stage.scene.key('kept'), '--ttl', '10s', '--renew', '--', 'sleep', '13']),
      ]);
      expect(await Promise.all([lost.ended(), kept.ended()])).toEqual([76, 0]);
      expect(lost.words).toMatch(/: its time ran out \(--renew keeps it\); ending the command\n$/);
      expect(kept.words).toBe('');
    });

    it('by the end of the command already, it ends with 76', async () => {
      const line = await run([stage.scene.key(), '--', 'sh', '-c', 'echo "$CONSUL_LOCK_SESSION."; read end']);
      const [, session] = await line.shows(/(\S+)\.\n/);
      await untilWaiting();
      // What watches the lock learns of it too late.
      stage.proxy.latencyMs = 1_000;
      await stage.scene.destroySession(session!);
      line.type('\n');
      expect(await line.ended()).toBe(76);
      expect(line.words).toBe('consul-lock: the lock was lost before the command ended with 0\n');
    });

    it('by `consul-lock break`, the command is ended', async () => {
      const line = await run([stage.scene.key(), '--', 'sh', '-c', `sleep 60 & ${MOTHER}`]);
      const [, , ...pids] = await line.shows(/(\S+) (\d+) (\d+)\./);
      const breaking = await stage.start(['break', '--yes', stage.scene.key()]);
      expect([await breaking.ended(), await line.ended()]).toEqual([0, 76]);
      expect(pids.map(Number).filter(isAlive)).toEqual([]);
    });
  });

  it("ends with the command's exit code when the lock cannot be given back, and says so", async () => {
    const line = await run([
      stage.scene.key(),
      '--',
      'sh',
      '-c',
      'echo "$CONSUL_LOCK_SESSION."; read end; exit 4',
    ]);
    const [, session] = await line.shows(/(\S+)\.\n/);
    stage.proxy.refuse = true;
    stage.proxy.reset();
    line.type('\n');
    expect(await line.ended()).toBe(4);
    expect(line.words).toMatch(
      /^consul-lock: the lock is left to its TTL: [^\n]+Consul is unavailable[^\n]+\n$/,
    );
    await stage.scene.destroySession(session!);
  });
});
