import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Command } from '../../lib/cli/command.ts';
import { followJobControl } from '../../lib/cli/job-control.ts';
import { main } from '../../lib/cli/main.ts';
import { inEarnest, Signals } from '../../lib/cli/signals.ts';
import { tellWhoHolds } from '../../lib/cli/waiting-words.ts';
import { configure, defaults, EphemeralLock, resetDefaults } from '../../lib/index.ts';
import { until } from '../support/consul-server/until.ts';
import { connectionRefused } from '../support/hooked-client.ts';
import { FakeScene, FULL_KEY } from '../support/fake-scene.ts';
import { FakeStreams } from '../support/fake-streams.ts';

let scene: FakeScene;
let streams: FakeStreams;

beforeEach(() => {
  scene = new FakeScene();
  streams = new FakeStreams();
  configure({ consulClient: scene.client, retryTimeoutMs: 0 });
});

afterEach(async () => {
  await scene.end();
  resetDefaults();
});

async function consulLock(line: string): Promise<[number, string, string]> {
  const exitCode = await main(line.split(' '), streams);
  return [exitCode, streams.output, streams.words];
}

const sh = (text: string): string[] => ['run', 'key', '--', 'sh', '-c', text];

describe('run', () => {
  it('ends with the exit code of the command, and gives the lock back', async () => {
    expect(await main(sh('exit 3'), streams)).toBe(3);
    expect([scene.fake.keys(), streams.words]).toEqual([[], '']);
  });

  it('holds the lock with the options that were given', async () => {
    const running = main(
      ['run', 'key', '--ttl', '30s', '--renew', '--timeout', '1s', '--', 'sleep', '0.2'],
      streams,
    );
    await until(async () => await scene.entry(), { timeoutMs: 5_000 });
    expect(scene.fake.sessions()).toMatchObject([{ TTL: '30000ms', LockDelay: 10_000_000_000 }]);
    expect(await running).toBe(0);
  });

  it.each([
    ['no-such-command', 127, 'consul-lock: no-such-command: command not found\n'],
    ['/', 126, 'consul-lock: /: not executable\n'],
    ['/dev/null/x', 126, 'consul-lock: /dev/null/x: spawn ENOTDIR\n'],
    ['', 127, 'consul-lock: : command not found\n'],
  ])('gives the lock back when %s cannot be started', async (command, exitCode, words) => {
    expect([await main(['run', 'key', '--', command], streams), streams.words]).toEqual([exitCode, words]);
    expect(scene.fake.keys()).toEqual([]);
  });

  it('ends the command when the lock is lost', async () => {
    const running = main(sh('sleep 60'), streams);
    await until(async () => await scene.entry(), { timeoutMs: 5_000 });
    scene.fake.invalidateSession(scene.fake.sessions()[0]!.ID);
    expect(await running).toBe(76);
    expect(streams.words).toMatch(/its session was ended; ending the command/);
  });

  it('says that --renew would have kept it', async () => {
    const running = main(sh('sleep 60'), streams);
    await until(async () => await scene.entry(), { timeoutMs: 5_000 });
    await scene.fake.advance(180_000);
    expect(await running).toBe(76);
    expect(streams.words).toMatch(/its time ran out \(--renew keeps it\); ending/);
  });

  it('is interrupted while it waits', async () => {
    const held = await scene.otherLock().acquire();
    const running = main(['run', 'key', '--timeout', 'inf', '--', 'true'], streams);
    await until(() => scene.fake.sessions().length === 2, { timeoutMs: 5_000 });
    process.emit('SIGUSR2', 'SIGUSR2');
    process.emit('SIGTERM', 'SIGTERM');
    // From somebody who passes on what has come already.
    process.emit('SIGTERM', 'SIGTERM');
    expect([await running, streams.words]).toEqual([143, 'consul-lock: interrupted by SIGTERM\n']);
    expect(scene.fake.sessions()).toHaveLength(1);
    expect(await held.release()).toBe(true);
  });

  it('passes signals on', async () => {
    const running = main(sh('exec 2>/dev/null; trap "exit 5" USR1; while :; do sleep 0.02; done'), streams);
    await until(async () => await scene.entry(), { timeoutMs: 5_000 });
    const passing = setInterval(() => process.emit('SIGUSR1', 'SIGUSR1'), 100);
    const exitCode = await running;
    clearInterval(passing);
    // Either it had its trap already, or it ended by the signal.
    expect([5, 138]).toContain(exitCode);
  });

  it('ends with 76 when the lock turns out to be lost as it is given back', async () => {
    // What watches the lock does not see it.
    scene.client.on('kv.get', async (send, { options }) =>
      options['index'] === undefined ? await send() : await new Promise(() => {}),
    );
    const running = main(sh('sleep 0.3; exit 4'), streams);
    await until(() => scene.fake.sessions().length > 0, { timeoutMs: 5_000 });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await scene.fake.kv.del(FULL_KEY);
    expect(await running).toBe(76);
    expect(streams.words).toBe('consul-lock: the lock was lost before the command ended with 4\n');
  });

  it("ends with the command's exit code when the lock cannot be given back", async () => {
    const running = main(sh('sleep 0.2; exit 4'), streams);
    await until(async () => await scene.entry(), { timeoutMs: 5_000 });
    for (const call of ['transaction', 'session.destroy', 'kv.get', 'session.info'] as const) {
      scene.client.on(call, () => Promise.reject(connectionRefused()));
    }
    expect(await running).toBe(4);
    expect(streams.words).toMatch(/^consul-lock: the lock is left to its TTL: /);
  });
});

describe('run on a terminal', () => {
  beforeEach(() => {
    streams = new FakeStreams({ isTTY: true });
  });

  it('says who has the lock while it waits', async () => {
    const held = await scene.otherLock().acquire();
    const running = main(['run', 'key', '--timeout', '5s', '--', 'true'], streams);
    await until(() => streams.words !== '', { timeoutMs: 5_000 });
    expect(streams.words).toMatch(/^consul-lock: waiting for key: held by .* pid \d+ .* since .*\n$/);
    expect(await held.release()).toBe(true);
    expect(await running).toBe(0);
  });

  it('says that Consul does not answer while it waits', async () => {
    for (const call of ['transaction', 'session.create', 'kv.get'] as const) {
      scene.client.on(call, () => Promise.reject(connectionRefused()));
    }
    const running = main(['run', 'key', '--timeout', '500ms', '--', 'true'], streams);
    expect(await running).toBe(69);
    expect(streams.words).toMatch(
      /^consul-lock: waiting for key: kv.get: Consul is unavailable: [^\n]+\nconsul-lock: /,
    );
  });

  it('says that nobody has a lock that is waited for, and nothing more once the waiting is over', async () => {
    const waiting = new AbortController();
    const telling = tellWhoHolds('key', streams, waiting.signal);
    await until(() => streams.words !== '', { timeoutMs: 5_000 });
    waiting.abort();
    await telling;
    expect(streams.words).toBe(
      'consul-lock: waiting for key: nobody has it; its lock delay may be running\n',
    );
  });

  it('ends what descends from the command when the lock is lost', async () => {
    const running = main(sh('sleep 60 & wait'), streams);
    await until(async () => await scene.entry(), { timeoutMs: 5_000 });
    scene.fake.invalidateSession(scene.fake.sessions()[0]!.ID);
    expect(await running).toBe(76);
  });
});

describe('a command', () => {
  const terms = {
    args: ['-c', 'trap "" TERM; while :; do sleep 0.02; done'],
    env: process.env,
    graceMs: 300,
  };

  it.each([false, true])('that ignores SIGTERM gets SIGKILL, on a terminal: %s', async (isOnTerminal) => {
    const command = Command.start({ command: 'sh', isOnTerminal, ...terms });
    await command.end();
    expect([137, 143]).toContain((await command.ended).exitCode);
  });

  it('that was not found hears no signals', async () => {
    const command = Command.start({ command: 'no-such-command', isOnTerminal: false, ...terms });
    command.pass('SIGTERM');
    expect(await command.ended).toMatchObject({ exitCode: 127 });
    command.signal('SIGTERM');
  });

  it('on a terminal is left alone by what comes from there', async () => {
    const command = Command.start({ command: 'true', isOnTerminal: true, ...terms, args: [] });
    await command.ended;
    command.pass('SIGINT');
    command.pass('SIGTERM');
    expect(await command.ended).toEqual({ exitCode: 0 });
  });
});

describe('job control', () => {
  it('lets the command go on with us as long as the lock is ours', async () => {
    const sent: string[] = [];
    let ours = false;
    const goOn = async (): Promise<void> => {
      process.emit('SIGCONT', 'SIGCONT');
      await new Promise(setImmediate);
    };
    const following = followJobControl(
      (signal) => void sent.push(signal),
      async () => await Promise.resolve(ours),
    );
    await goOn();
    ours = true;
    await goOn();
    following[Symbol.dispose]();
    await goOn();
    expect(sent).toEqual(['SIGCONT']);
  });
});

describe('signals', () => {
  it('are heard by the last who listens, and by nobody afterwards', () => {
    const heard: string[] = [];
    {
      using signals = new Signals();
      process.emit('SIGHUP', 'SIGHUP');
      signals.listen((signal) => heard.push(`first ${signal}`));
      process.emit('SIGHUP', 'SIGHUP');
      signals.listen((signal) => heard.push(`second ${signal}`));
      process.emit('SIGQUIT', 'SIGQUIT');
    }
    expect(heard).toEqual(['first SIGHUP', 'second SIGQUIT']);
    expect(process.listenerCount('SIGQUIT')).toBe(0);
  });

  it('are in earnest a second later, if they ask to end', async () => {
    const heard: string[] = [];
    const listener = inEarnest((signal) => heard.push(signal));
    listener('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 1_010));
    listener('SIGUSR1');
    listener('SIGINT');
    expect(heard).toEqual(['SIGINT']);
  });
});

describe('ls', () => {
  it('prints lines, a table or JSON', async () => {
    const held = await scene.otherLock().acquire();
    expect(await consulLock('ls')).toEqual([
      0,
      expect.stringMatching(/^key\t.* pid \d+ \(.*\)\t\S+Z\t\S+\t\d+\n$/),
      '',
    ]);
    streams = new FakeStreams({ isTTY: true });
    expect(await consulLock('ls')).toEqual([
      0,
      expect.stringMatching(/^KEY +HOLDER +SINCE +TTL +TOKEN\nkey +.*\n$/),
      '',
    ]);
    streams = new FakeStreams();
    const [, json] = await consulLock('ls --json');
    expect(JSON.parse(json)).toMatchObject([{ fullKey: FULL_KEY, sessionId: held.sessionId }]);
    expect(await held.release()).toBe(true);
  });

  it('has a dash for what is not known', async () => {
    await scene.fake.kv.set(FULL_KEY, 'data');
    streams = new FakeStreams({ isTTY: true });
    const [, output] = await consulLock('ls');
    expect(output).toMatch(/\nkey +nobody +- +- +\d+\n$/);
    await scene.fake.kv.del(FULL_KEY);
  });

  it('says that there are none', async () => {
    expect(await consulLock('ls')).toEqual([0, '', '']);
    streams = new FakeStreams({ isTTY: true });
    expect(await consulLock('ls')).toEqual([0, '', 'consul-lock: no locks\n']);
  });
});

describe('show', () => {
  it('prints what is known', async () => {
    const held = await scene.otherLock({ generateValue: () => '' }).acquire();
    expect(await consulLock('show key')).toEqual([
      0,
      expect.stringMatching(/^key\tkey\nin Consul\tlocks\//),
      '',
    ]);
    expect(await held.release()).toBe(true);
    await scene.fake.kv.set(FULL_KEY, 'data');
    streams = new FakeStreams({ isTTY: true });
    expect(await consulLock('show key')).toEqual([
      0,
      expect.stringMatching(/^key +key\n[^]*value +data\n$/),
      '',
    ]);
    await scene.fake.kv.del(FULL_KEY);
  });

  it('ends with 1 when there is none', async () => {
    expect(await consulLock('show key')).toEqual([1, '', 'consul-lock: there is no lock key\n']);
    streams = new FakeStreams();
    expect(await consulLock('show key --json')).toEqual([1, 'null\n', '']);
  });
});

describe('break', () => {
  it('asks on a terminal', async () => {
    const held = await scene.otherLock().acquire();
    streams = new FakeStreams({ isTTY: true });
    streams.stdin.write('n\n');
    expect(await consulLock('break key')).toEqual([
      1,
      '',
      expect.stringMatching(/\[y\/N\] .*left as it is\n$/),
    ]);
    streams = new FakeStreams({ isTTY: true });
    streams.stdin.end();
    expect(await consulLock('break key')).toEqual([
      1,
      '',
      expect.stringMatching(/\[y\/N\] \n.*left as it is\n$/),
    ]);
    expect(await held.verify()).toBe(true);
    streams = new FakeStreams({ isTTY: true });
    streams.stdin.write('y\n');
    expect(await consulLock('break key')).toEqual([0, '', expect.stringMatching(/freed key, held by/)]);
    expect(await held.verify()).toBe(false);
  });

  it('refuses elsewhere without --yes', async () => {
    expect(await consulLock('break key')).toEqual([64, '', expect.stringContaining('--yes')]);
  });

  it('frees what was left behind, and nothing else', async () => {
    await (await scene.otherLock({ behavior: 'release' }).acquire()).release();
    expect(await consulLock('break key --yes')).toEqual([0, '', expect.stringContaining('left behind')]);
    streams = new FakeStreams();
    expect(await consulLock('break key --yes')).toEqual([1, '', 'consul-lock: there is no lock key\n']);
    await scene.fake.kv.set(FULL_KEY, 'data');
    streams = new FakeStreams();
    expect(await consulLock('break key --yes')).toEqual([1, '', expect.stringContaining('never was a lock')]);
    await scene.fake.kv.del(FULL_KEY);
  });
});

describe('consul-lock', () => {
  it('tells its version and its usage', async () => {
    expect(await consulLock('--version')).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\S*\n$/), '']);
    streams = new FakeStreams();
    expect(await consulLock('--help')).toEqual([0, expect.stringContaining('Usage:'), '']);
  });

  it('uses the defaults of the package', async () => {
    defaults.lockKeyPattern = 'elsewhere/%s/lock';
    const held = await new EphemeralLock('key').acquire();
    const [, output] = await consulLock('ls');
    expect(output).toMatch(/^key\t/);
    expect(await held.release()).toBe(true);
  });
});
