import { describe, expect, it, jest } from '@jest/globals';
import { CommandStage } from '../support/command-stage.ts';
import { describeWithOwnAgents } from '../support/consul.ts';
import { isAlive, isStopped } from '../support/consul-server/process-state.ts';
import { until } from '../support/consul-server/until.ts';

jest.setTimeout(45_000);

const CTRL_C = '\x03';
const CTRL_Z = '\x1a';
const CTRL_D = '\x04';

describeWithOwnAgents('consul-lock on a terminal', () => {
  const stage = CommandStage.open();

  describe('run', () => {
    it('lets the command read the terminal', async () => {
      const line = await stage.onTerminal(
        'run',
        stage.scene.key(),
        '--',
        'sh',
        '-c',
        'echo ready; read name; echo "hello $name"',
      );
      await line.shows(/ready/);
      line.type('ada\r');
      expect(await line.ended()).toBe(0);
      expect(line.output).toContain('hello ada');
      expect(await stage.sessions()).toEqual([]);
    });

    it('says who has the lock while it waits, and since when', async () => {
      const held = await stage.scene.rareLock({ lockTimeoutMs: 30_000 }).acquire();
      const line = await stage.onTerminal(
        'run',
        stage.scene.key(),
        '--timeout',
        '20s',
        '--',
        'echo',
        'its turn',
      );
      const [, pid] = await line.shows(
        /waiting for \S+: held by \S+ pid (\d+) \(session \S+, node \S+\) since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d/,
      );
      expect(Number(pid)).toBe(process.pid);
      expect(await held.release()).toBe(true);
      expect(await line.ended()).toBe(0);
      expect(line.output).toContain('its turn');
    });

    it('waits until Ctrl-C at the longest, and leaves nothing behind', async () => {
      const held = await stage.scene.rareLock({ lockTimeoutMs: 30_000 }).acquire();
      const line = await stage.onTerminal(
        'run',
        stage.scene.key(),
        '--timeout',
        'inf',
        '--',
        'echo',
        'never',
      );
      await line.shows(/waiting for/);
      line.type(CTRL_C);
      expect(await line.ended()).toBe(130);
      expect(await stage.sessions()).toEqual([held.sessionId]);
      expect(await held.release()).toBe(true);
    });

    it('leaves Ctrl-C to the terminal, which sends it to the command once, and a second one too', async () => {
      const line = await stage.onTerminal(
        'run',
        stage.scene.key(),
        '--',
        'sh',
        '-c',
        `trap 'echo interrupted' INT; echo ready; read a; read b; read c; exit 5`,
      );
      await line.shows(/ready/);
      line.type(CTRL_C);
      await line.shows(/interrupted/);
      line.type(CTRL_C);
      await line.shows(/interrupted.*interrupted/s);
      line.type('\r\r\r');
      expect(await line.ended()).toBe(5);
      expect(line.output.match(/interrupted/g)).toHaveLength(2);
      expect(await stage.sessions()).toEqual([]);
    });

    it('ends with 130 when Ctrl-C ended the command', async () => {
      const line = await stage.onTerminal(
        'run',
        stage.scene.key(),
        '--',
        'sh',
        '-c',
        'echo ready; exec sleep 60',
      );
      await line.shows(/ready/);
      line.type(CTRL_C);
      expect(await line.ended()).toBe(130);
      expect([await stage.scene.left(), await stage.sessions()]).toEqual([{ keys: [], sessions: [] }, []]);
    });

    it('passes SIGTERM on to what descends from the command', async () => {
      const line = await stage.onTerminal(
        'run',
        stage.scene.key(),
        '--',
        'sh',
        '-c',
        'sleep 60 & echo "$PPID $!."; wait',
      );
      const [, ours, grandchild] = await line.shows(/(\d+) (\d+)\./);
      process.kill(Number(ours), 'SIGTERM');
      expect(await line.ended()).toBe(143);
      expect(isAlive(Number(grandchild))).toBe(false);
    });

    it('stops with the command at Ctrl-Z, and goes on with it', async () => {
      const shell = await stage.shellOnTerminal();
      shell.typeLine(`consul-lock run ${stage.scene.key()} -- sh -c 'echo "$PPID $$."; read end; exit 6'`);
      const [, ...pids] = await shell.shows(/(\d+) (\d+)\./);
      shell.type(CTRL_Z);
      await until(() => pids.map(Number).every(isStopped), { timeoutMs: 5_000 });
      await shell.shows(/Stopped/);
      shell.typeLine('fg');
      await until(() => !pids.map(Number).some(isStopped), { timeoutMs: 5_000 });
      shell.type('\r');
      shell.typeLine('echo "ended with $?"; exit');
      await shell.shows(/ended with 6/);
      expect(await shell.ended()).toBe(0);
    });

    it('stops with a command in the background that reads the terminal, until it comes to the foreground', async () => {
      const shell = await stage.shellOnTerminal();
      shell.typeLine(`consul-lock run ${stage.scene.key()} -- sh -c 'echo "$PPID $$."; read end; exit 6' &`);
      const [, ...pids] = await shell.shows(/(\d+) (\d+)\./);
      await until(() => pids.map(Number).every(isStopped), { timeoutMs: 5_000 });
      shell.typeLine('fg');
      await until(() => !pids.map(Number).some(isStopped), { timeoutMs: 5_000 });
      shell.type('\r');
      shell.typeLine('echo "ended with $?"; exit');
      await shell.shows(/ended with 6/);
      expect(await shell.ended()).toBe(0);
    });

    it('passes SIGINT on to a command in the background, where nothing comes from the terminal', async () => {
      const shell = await stage.shellOnTerminal();
      shell.typeLine(`consul-lock run ${stage.scene.key()} -- sh -c 'echo "$PPID."; exec sleep 60' &`);
      const [, ours] = await shell.shows(/(\d+)\.\r/);
      process.kill(Number(ours), 'SIGINT');
      shell.typeLine('wait %1; echo "ended with $?"; exit');
      await shell.shows(/ended with 130/);
      expect(await stage.sessions()).toEqual([]);
    });

    it('ends the command and its descendants when the lock is lost, and nobody else in the group', async () => {
      const line = await stage.inShell(
        `script -qefc 'sleep 61 & echo "beside $!."; consul-lock run ${stage.scene.key()} -- sh -c '\\''` +
          `(trap "" TERM; exec sleep 60) & echo "$CONSUL_LOCK_SESSION $$ $!."; wait'\\''; ` +
          `echo "ended with $?"; read end; kill $!' /dev/null`,
      );
      const [, beside] = await line.shows(/beside (\d+)\./);
      const [, session, ...pids] = await line.shows(/(\S+-\S+) (\d+) (\d+)\./);
      await stage.scene.destroySession(session!);
      await line.shows(/ended with 76/);
      expect(pids.map(Number).filter(isAlive)).toEqual([]);
      expect(isAlive(Number(beside))).toBe(true);
      line.type('\r');
      expect(await line.ended()).toBe(0);
    });
  });

  describe('ls', () => {
    it('prints an aligned table', async () => {
      const [one, other] = await Promise.all([
        stage.scene.rareLock({ lockTimeoutMs: 30_000 }, 'a').acquire(),
        stage.scene
          .rareLock({ lockTimeoutMs: 90_000, generateValue: () => 'opaque' }, 'a-longer-one')
          .acquire(),
      ]);
      const line = await stage.onTerminal('ls', stage.scene.name);
      expect(await line.ended()).toBe(0);
      const [head = '', first = '', second = ''] = line.output.split('\r\n');
      expect(head).toMatch(/^KEY +HOLDER +SINCE +TTL +TOKEN$/);
      expect(first).toMatch(
        new RegExp(
          `^${stage.scene.key('a')} +\\S+ pid ${process.pid} \\(session ${stage.scene.name}, node ${stage.agent.node}\\) +` +
            `\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d \\(\\d+s\\) +30s +${one.fencingToken}$`,
        ),
      );
      expect(second).toMatch(
        new RegExp(
          `^${stage.scene.key('a-longer-one')} +session ${stage.scene.name}, node ${stage.agent.node} +- +1m30s +${other.fencingToken}$`,
        ),
      );
      for (const [title, cell] of [
        ['HOLDER', 'session'],
        ['SINCE', '- '],
        ['TTL', '1m30s'],
      ] as const) {
        expect(second.lastIndexOf(cell, head.indexOf(title) + 3)).toBe(head.indexOf(title));
      }
      expect([await one.release(), await other.release()]).toEqual([true, true]);
    });

    it('says that there are none', async () => {
      const line = await stage.onTerminal('ls', stage.scene.name);
      expect([await line.ended(), line.output]).toEqual([0, 'consul-lock: no locks\r\n']);
    });
  });

  describe('break', () => {
    it.each(['y\r', 'YES\r'])('says whom it hits, and frees the lock at %j', async (answer) => {
      const held = await stage.scene.rareLock({ lockTimeoutMs: 30_000 }).acquire();
      const line = await stage.onTerminal('break', stage.scene.key());
      await line.shows(new RegExp(`${stage.scene.key()} is held by \\S+ pid ${process.pid} [^]+\\[y/N\\] `));
      line.type(answer);
      expect(await line.ended()).toBe(0);
      expect(line.output).toMatch(/consul-lock: freed \S+, held by/);
      expect(await held.verify()).toBe(false);
    });

    it.each([
      ['no', 'n\r'],
      ['nothing', '\r'],
      ['another word', 'yesterday\r'],
      ['Ctrl-D', CTRL_D],
    ])('leaves it as it is at %s, and ends with 1', async (_title, answer) => {
      const held = await stage.scene.rareLock({ lockTimeoutMs: 30_000 }).acquire();
      const line = await stage.onTerminal('break', stage.scene.key());
      await line.shows(/\[y\/N\] /);
      line.type(answer);
      expect(await line.ended()).toBe(1);
      expect(line.output).toContain('left as it is');
      expect(await held.release()).toBe(true);
    });

    it('spares whoever has taken a key that was left behind, while it asked', async () => {
      await (await stage.scene.rareLock({ lockTimeoutMs: 30_000, behavior: 'release' }).acquire()).release();
      const line = await stage.onTerminal('break', stage.scene.key());
      await line.shows(/left behind by a lock that nobody has[^]+\[y\/N\] /);
      const next = await stage.scene.rareLock({ lockTimeoutMs: 30_000 }).acquire();
      line.type('y\r');
      expect(await line.ended()).toBe(1);
      expect(line.output).toContain('left as it is');
      expect(await next.release()).toBe(true);
    });

    it('spares who has given the lock back and taken it anew while it asked, by the same session', async () => {
      const lock = stage.scene.lock({ lockTimeoutMs: 30_000 });
      const first = await lock.acquire();
      const line = await stage.onTerminal('break', stage.scene.key());
      await line.shows(/\[y\/N\] /);
      expect(await first.release()).toBe(true);
      const next = await lock.acquire();
      line.type('y\r');
      expect(await line.ended()).toBe(1);
      expect(line.output).toContain('left as it is');
      expect(await next.release()).toBe(true);
    });

    it('spares whoever has taken the lock while it asked', async () => {
      const first = await stage.scene.rareLock({ lockTimeoutMs: 30_000 }).acquire();
      const line = await stage.onTerminal('break', stage.scene.key());
      await line.shows(/\[y\/N\] /);
      expect(await first.release()).toBe(true);
      const next = await stage.scene.rareLock({ lockTimeoutMs: 30_000 }).acquire();
      line.type('y\r');
      expect(await line.ended()).toBe(1);
      expect(line.output).toContain('left as it is');
      expect(await next.release()).toBe(true);
    });
  });
});
