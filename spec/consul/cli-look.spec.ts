import { describe, expect, it, jest } from '@jest/globals';
import type { LockInfo } from '../../lib/index.ts';
import { CommandStage } from '../support/command-stage.ts';
import { describeWithOwnAgents } from '../support/consul.ts';

jest.setTimeout(30_000);

describeWithOwnAgents('consul-lock off a terminal', () => {
  const stage = CommandStage.open();

  /** Its exit code, output and words. */
  async function consulLock(...args: readonly string[]): Promise<[number | string | null, string, string]> {
    const line = await stage.start(args);
    return [await line.ended(), line.output, line.words];
  }

  describe('ls', () => {
    it('prints a line for each lock, with tabs', async () => {
      const held = await stage.scene.rareLock({ lockTimeoutMs: 30_000 }).acquire();
      const [exitCode, output, words] = await consulLock('ls', stage.scene.name);
      expect([exitCode, words]).toEqual([0, '']);
      expect(output).toMatch(
        new RegExp(
          `^${stage.scene.key()}\t\\S+ pid ${process.pid} \\(session ${stage.scene.name}, node ${stage.agent.node}\\)\t` +
            `\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z\t30s\t${held.fencingToken}\n$`,
        ),
      );
      expect(await held.release()).toBe(true);
    });

    it('prints an array of everything that is known with --json', async () => {
      const held = await stage.scene.rareLock({ lockTimeoutMs: 30_000 }).acquire();
      const [exitCode, output, words] = await consulLock('ls', '--json', stage.scene.name);
      expect([exitCode, words]).toEqual([0, '']);
      expect(JSON.parse(output)).toEqual([
        {
          fullKey: stage.scene.fullKey(),
          locked: true,
          sessionId: held.sessionId,
          sessionName: stage.scene.name,
          node: stage.agent.node,
          ttlMs: 30_000,
          fencingToken: held.fencingToken,
          value: expect.stringContaining('"lock_id"'),
          lockedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        },
      ]);
      expect(await held.release()).toBe(true);
    });

    it('prints nothing, and an empty array, when there is none', async () => {
      expect(await consulLock('ls', stage.scene.name)).toEqual([0, '', '']);
      expect(await consulLock('ls', stage.scene.name, '--json')).toEqual([0, '[]\n', '']);
    });

    it('spells out what a terminal would obey in the key or the value of somebody else', async () => {
      const operations = [
        { KV: { Verb: 'set', Key: `locks/ephemeral/${stage.scene.name}/\x1b[2J\ttwo`, Value: 'eA==' } },
      ];
      await stage.scene.ask('/v1/txn', { method: 'PUT', body: JSON.stringify(operations) });
      const [exitCode, output] = await consulLock('ls', stage.scene.name);
      expect([exitCode, output]).toEqual([
        0,
        expect.stringContaining(`${stage.scene.name}/\\e[2J\\ttwo\tnobody\t\t\t`),
      ]);
      await stage.removeKeys();
    });

    it('ends quietly when its reader has seen enough', async () => {
      const line = await stage.inShell('consul-lock ls --json | true; echo "${PIPESTATUS[0]}"');
      expect([await line.ended(), line.output, line.words]).toEqual([0, '0\n', '']);
    });

    it('ends with 69 and one line when Consul is unavailable', async () => {
      const line = await stage.start(['ls'], { CONSUL_HTTP_ADDR: '127.0.0.1:9' });
      expect([await line.ended(), line.output]).toEqual([69, '']);
      expect(line.words).toMatch(/^consul-lock: [^\n]*Consul is unavailable[^\n]*\n$/);
    });
  });

  describe('show', () => {
    it('prints what is known of a lock', async () => {
      const held = await stage.scene.rareLock({ lockTimeoutMs: 30_000 }).acquire();
      const [exitCode, output, words] = await consulLock('show', stage.scene.key());
      expect([exitCode, words]).toEqual([0, '']);
      expect(
        Object.fromEntries(
          output
            .trimEnd()
            .split('\n')
            .map((line) => line.split('\t')),
        ),
      ).toEqual({
        key: stage.scene.key(),
        'in Consul': stage.scene.fullKey(),
        holder: expect.stringContaining(
          `pid ${process.pid} (session ${stage.scene.name}, node ${stage.agent.node})`,
        ),
        session: held.sessionId,
        since: expect.stringMatching(/Z$/),
        ttl: '30s',
        token: String(held.fencingToken),
        value: expect.stringContaining('"lock_id"'),
      });
      const [jsonExitCode, json] = await consulLock('show', '--json', stage.scene.key());
      const info = JSON.parse(json) as LockInfo;
      expect([jsonExitCode, info]).toEqual([
        0,
        expect.objectContaining({ sessionId: held.sessionId, locked: true }),
      ]);
      expect(await held.release()).toBe(true);
    });

    it('ends with 1 when there is none', async () => {
      expect(await consulLock('show', stage.scene.key())).toEqual([
        1,
        '',
        `consul-lock: there is no lock ${stage.scene.key()}\n`,
      ]);
      expect(await consulLock('show', stage.scene.key(), '--json')).toEqual([1, 'null\n', '']);
    });
  });

  describe('break', () => {
    it('refuses without --yes, as nobody can be asked', async () => {
      const held = await stage.scene.rareLock({ lockTimeoutMs: 30_000 }).acquire();
      const [exitCode, output, words] = await consulLock('break', stage.scene.key());
      expect([exitCode, output, words]).toEqual([64, '', expect.stringContaining('--yes')]);
      expect(await held.verify()).toBe(true);
      expect(await held.release()).toBe(true);
    });

    it('frees the lock with --yes, says whom it hit, and leaves nothing behind', async () => {
      const held = await stage.scene.rareLock({ lockTimeoutMs: 30_000 }).acquire();
      const [exitCode, output, words] = await consulLock('break', stage.scene.key(), '--yes');
      expect([exitCode, output]).toEqual([0, '']);
      expect(words).toMatch(
        new RegExp(`^consul-lock: freed ${stage.scene.key()}, held by \\S+ pid ${process.pid} `),
      );
      expect(await held.verify()).toBe(false);
      expect(await stage.scene.left()).toEqual({ keys: [], sessions: [] });
    });

    it('frees a lock that was left behind unlocked', async () => {
      expect(await (await stage.scene.rareLock({ behavior: 'release' }).acquire()).release()).toBe(true);
      expect(await stage.scene.entry()).not.toHaveProperty('Session');
      const [exitCode, , words] = await consulLock('break', stage.scene.key(), '-y');
      expect([exitCode, words]).toEqual([0, expect.stringContaining('left behind')]);
    });

    it('ends with 1 when there is none, and when the key never was a lock', async () => {
      expect(await consulLock('break', '--yes', stage.scene.key())).toEqual([
        1,
        '',
        `consul-lock: there is no lock ${stage.scene.key()}\n`,
      ]);
      await stage.scene.ask(`/v1/kv/${stage.scene.fullKey()}`, { method: 'PUT', body: 'data' });
      const [exitCode, , words] = await consulLock('break', '--yes', stage.scene.key());
      expect([exitCode, words]).toEqual([1, expect.stringContaining('never was a lock')]);
      await stage.removeKeys();
    });
  });

  it('tells its usage and its version to standard output', async () => {
    const [exitCode, usage, words] = await consulLock('--help');
    expect([exitCode, words]).toEqual([0, '']);
    for (const command of ['run', 'ls', 'show', 'break']) {
      expect(usage).toContain(`consul-lock ${command} `);
      expect(await consulLock(command, '--help')).toEqual([0, expect.stringContaining('Examples:'), '']);
    }
    expect(await consulLock('--version')).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\S*\n$/), '']);
  });

  it('ends with 64 for a command that is unknown, or missing', async () => {
    expect(await consulLock('shwo')).toEqual([64, '', expect.stringContaining('did you mean show?')]);
    expect(await consulLock()).toEqual([64, '', expect.stringContaining('a command is missing')]);
  });
});
