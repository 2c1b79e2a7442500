import { describe, expect, it } from '@jest/globals';
import { parseArguments, type Arguments } from '../../lib/cli/arguments.ts';
import { EXIT, exitCodeOf, failureOf, Interruption, UsageError } from '../../lib/cli/exit-codes.ts';
import { GRACE_MS } from '../../lib/cli/command.ts';
import { formatDuration } from '../../lib/cli/duration.ts';
import { HELP } from '../../lib/cli/help.ts';
import { LOCK_DELAY_MS } from '../../lib/cli/run.ts';
import { ConsulRequestError, defaults, LockAcquisitionError, LockLostError } from '../../lib/index.ts';

const RUN = {
  name: 'run',
  key: 'key',
  acquireTimeoutMs: 0,
  lockTimeoutMs: undefined,
  renew: false,
  command: 'make',
  args: [],
};

describe('parseArguments', () => {
  it.each<[string, Arguments]>([
    ['run key -- make', RUN as Arguments],
    ['run key -- make -j --help -- x', { ...RUN, args: ['-j', '--help', '--', 'x'] } as Arguments],
    [
      'run --timeout 5m key --ttl=30s --renew -- make',
      { ...RUN, acquireTimeoutMs: 300_000, lockTimeoutMs: 30_000, renew: true } as Arguments,
    ],
    ['run key --timeout inf -- make', { ...RUN, acquireTimeoutMs: Infinity } as Arguments],
    ['run key --timeout 0 -- make', RUN as Arguments],
    ['ls', { name: 'ls', prefix: '', json: false }],
    ['ls jobs/ --json', { name: 'ls', prefix: 'jobs/', json: true }],
    ['ls -- -odd', { name: 'ls', prefix: '-odd', json: false }],
    ['show key', { name: 'show', key: 'key', json: false }],
    ['show --json key', { name: 'show', key: 'key', json: true }],
    ['break key', { name: 'break', key: 'key', yes: false }],
    ['break key --yes', { name: 'break', key: 'key', yes: true }],
    ['break -y key', { name: 'break', key: 'key', yes: true }],
    ['--version', { name: 'version' }],
    ['--help', { name: 'help', text: HELP.main }],
    ['-h', { name: 'help', text: HELP.main }],
    ['help', { name: 'help', text: HELP.main }],
    ['help run', { name: 'help', text: HELP.run }],
    ['run --help', { name: 'help', text: HELP.run }],
    ['ls -h', { name: 'help', text: HELP.ls }],
    ['show -h', { name: 'help', text: HELP.show }],
    ['break --help', { name: 'help', text: HELP.break }],
  ])('understands: %s', (line, meant) => {
    expect(parseArguments(line.split(' '))).toEqual(meant);
  });

  it.each([
    ['', 'a command is missing (see consul-lock --help)'],
    ['rnu', 'unknown command "rnu"; did you mean run? (see consul-lock --help)'],
    ['brake key', 'unknown command "brake"; did you mean break? (see consul-lock --help)'],
    ['list', 'unknown command "list" (see consul-lock --help)'],
    ['help me', 'unknown command "me" (see consul-lock --help)'],
    ['run', 'a key is missing (see consul-lock run --help)'],
    ['run -- make', 'a key is missing (see consul-lock run --help)'],
    ['run key', 'a command is missing after "--" (see consul-lock run --help)'],
    ['run key --', 'a command is missing after "--" (see consul-lock run --help)'],
    ['run key make', 'the command comes after "--", and one key before it (see consul-lock run --help)'],
    ['run key make -- x', 'the command comes after "--", and one key before it (see consul-lock run --help)'],
    [
      'run --tmeout 5s key -- x',
      'unknown option --tmeout; did you mean --timeout? (see consul-lock run --help)',
    ],
    ['run key --verbose -- x', 'unknown option --verbose (see consul-lock run --help)'],
    ['run -x key -- x', 'unknown option -x (see consul-lock run --help)'],
    ['run key --timeout -- x', "Option '--timeout <value>' argument missing (see consul-lock run --help)"],
    ['run key --renew=no -- x', "Option '--renew' does not take an argument (see consul-lock run --help)"],
    [
      'run key --timeout 5 -- x',
      '--timeout must be a duration like 500ms, 30s, 5m or 1h, or inf; got "5" (see consul-lock run --help)',
    ],
    [
      'run key --ttl inf -- x',
      '--ttl must be a duration like 500ms, 30s, 5m or 1h; got "inf" (see consul-lock run --help)',
    ],
    ['run key --ttl 9s -- x', '--ttl must be from 10s to 24h; got 9s (see consul-lock run --help)'],
    ['run key --ttl 25h -- x', '--ttl must be from 10s to 24h; got 25h (see consul-lock run --help)'],
    ['ls a b', 'at most one prefix (see consul-lock ls --help)'],
    ['ls --jsn', 'unknown option --jsn; did you mean --json? (see consul-lock ls --help)'],
    ['show', 'a key is missing (see consul-lock show --help)'],
    ['show a b', 'only one key (see consul-lock show --help)'],
    ['break', 'a key is missing (see consul-lock break --help)'],
  ])('refuses: %s', (line, words) => {
    const parse = (): unknown => parseArguments(line === '' ? [] : line.split(' '));
    expect(parse).toThrow(UsageError);
    expect(parse).toThrow(new UsageError(words));
  });
});

describe('the help', () => {
  it.each(Object.entries(HELP))('of %s fits into 120 columns', (_name, text) => {
    expect(text.split('\n').filter((line) => line.length > 120)).toEqual([]);
    expect(text.endsWith('\n')).toBe(true);
  });
});

describe('the help of run', () => {
  it('has the numbers that count', () => {
    expect(HELP.run).toContain(`(default: ${formatDuration(defaults.lockTimeoutMs!)})`);
    expect(HELP.run).toContain(`from ${formatDuration(defaults.minLockTimeoutMs!)} to 24h`);
    expect(HELP.run).toContain(`SIGKILL ${formatDuration(GRACE_MS)} later`);
    expect(HELP.run).toContain(`that was lost for ${formatDuration(LOCK_DELAY_MS)}.`);
  });
});

describe('failureOf', () => {
  const keys = ['key'];
  const notAcquired = { keys, attempts: 1, waitedMs: 0 };
  const holder = {
    fullKey: 'locks/ephemeral/key',
    locked: true,
    sessionId: 'id',
    fencingToken: 1,
    value: null,
  };

  it.each<[string, unknown, number, string]>([
    ['wrong usage', new UsageError('what'), 64, 'what'],
    ['a wrong argument', new TypeError('key: must\nnot'), 64, 'key: must\\nnot'],
    ['a wrong number', new RangeError('x: too much'), 64, 'x: too much'],
    ['an interruption', new Interruption('SIGINT'), 130, 'interrupted by SIGINT'],
    ['a loss', new LockLostError('lost', { keys, reason: 'expired' }), 76, 'lost'],
    [
      'an outage',
      new ConsulRequestError('no', { code: 'CONSUL_UNAVAILABLE', operation: 'kv.get', transient: true }),
      69,
      'no',
    ],
    [
      'contention, with the holder',
      new LockAcquisitionError('no', { ...notAcquired, code: 'LOCK_NOT_ACQUIRED', holder }),
      75,
      'not acquired: key is held by session id',
    ],
    [
      'contention without a holder',
      new LockAcquisitionError('no', { ...notAcquired, code: 'LOCK_NOT_ACQUIRED' }),
      75,
      'no',
    ],
    [
      'a conflict',
      new LockAcquisitionError('data', { ...notAcquired, code: 'LOCK_CONFLICT', holder }),
      75,
      'data',
    ],
    ['anything else', new Error('who knows'), 70, 'who knows'],
    ['what is no error', 'who knows', 70, 'who knows'],
  ])('knows %s', (_title, error, exitCode, words) => {
    expect(failureOf(error)).toEqual({ exitCode, words });
  });

  it('counts signals as a shell does', () => {
    expect([exitCodeOf('SIGHUP'), exitCodeOf('SIGKILL'), EXIT.notFound]).toEqual([129, 137, 127]);
  });
});
