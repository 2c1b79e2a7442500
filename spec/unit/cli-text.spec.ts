import { describe, expect, it } from '@jest/globals';
import { formatAge, formatDuration, parseDuration } from '../../lib/cli/duration.ts';
import { holderOf, keyOf, sinceOf, whoHolds } from '../../lib/cli/lock-words.ts';
import { nearest } from '../../lib/cli/nearest.ts';
import { printable, printableJson, widthOf } from '../../lib/cli/printable.ts';
import { aligned, tabbed } from '../../lib/cli/table.ts';
import type { LockInfo } from '../../lib/index.ts';

describe('parseDuration', () => {
  it.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['0.0004s', 0],
    ['0', 0],
    ['0s', 0],
  ])('reads %s as %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['', '5', '-5s', '5 s', '5S', '1d', 's', '5sm', 'inf', '1e3s', '.5s', '99999999999999999h'])(
    'does not understand %j',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );
});

describe('formatDuration', () => {
  it.each([
    [0, '0s'],
    [500, '500ms'],
    [10_000, '10s'],
    [90_000, '1m30s'],
    [180_000, '3m'],
    [86_400_000, '24h'],
    [3_600_001, '1h1ms'],
  ])('writes %d ms as %s, which is read the same', (ms, text) => {
    expect([formatDuration(ms), parseDuration(text)]).toEqual([text, ms]);
  });
});

describe('formatAge', () => {
  it.each([
    [-5_000, '0s'],
    [59_999, '59s'],
    [60_000, '1m'],
    [3_599_999, '59m'],
    [3_600_000, '1h'],
    [172_799_999, '47h'],
    [172_800_000, '2d'],
  ])('writes %d ms as %s', (ms, text) => {
    expect(formatAge(ms)).toBe(text);
  });
});

describe('printable', () => {
  it.each([
    ['users/42', 'users/42'],
    ['übung/鍵 🔑', 'übung/鍵 🔑'],
    ['a\tb\nc\rd', 'a\\tb\\nc\\rd'],
    ['\x1b[2J\x07', '\\e[2J\\u{7}'],
    ['\x7f\x9b', '\\u{7f}\\u{9b}'],
    ['a\u202eb\u200b', 'a\\u{202e}b\\u{200b}'],
    ['a\u2028b', 'a\\u{2028}b'],
    ['\ud800', '\\u{d800}'],
  ])('shows %j as %s', (text, shown) => {
    expect(printable(text)).toBe(shown);
  });
});

describe('printableJson', () => {
  it('is plain, and means the same', () => {
    const value = [{ text: 'a\u009b\u202e\u{e0001}\u2028\n\x1b é 🔑' }];
    const json = printableJson(value);
    expect(JSON.parse(json)).toEqual(value);
    expect(json).toBe('[\n  {\n    "text": "a\\u009b\\u202e\\udb40\\udc01\\u2028\\n\\u001b é 🔑"\n  }\n]');
  });
});

describe('widthOf', () => {
  it.each([
    ['abc', 3],
    ['鍵', 2],
    ['🔑', 2],
    ['e\u0301', 1],
    ['！', 2],
  ])('takes %s for %d columns', (text, width) => {
    expect(widthOf(text)).toBe(width);
  });
});

describe('aligned', () => {
  it('makes each column as wide as its widest cell, and leaves no space at the end', () => {
    expect(
      aligned([
        ['A', 'B', 'C'],
        ['鍵', 'b', 'long'],
        ['aaa', '', ''],
      ]),
    ).toBe('A    B  C\n鍵   b  long\naaa\n');
  });
});

describe('tabbed', () => {
  it('keeps empty cells', () => {
    expect(
      tabbed([
        ['a', '', 'c'],
        ['d', 'e', ''],
      ]),
    ).toBe('a\t\tc\nd\te\t\n');
    expect(tabbed([])).toBe('');
  });
});

describe('nearest', () => {
  it.each([
    ['--jsn', '--json'],
    ['--tiemout', '--timeout'],
    ['brake', 'break'],
    ['shwo', 'show'],
    ['xyz', undefined],
    ['lst', 'ls'],
    ['quite else', undefined],
  ])('takes %s for %s', (given, meant) => {
    expect(nearest(given, ['ls', 'break', 'show', '--json', '--timeout'])).toBe(meant);
  });

  it('has no answer among no names', () => {
    expect(nearest('a', [])).toBeUndefined();
  });
});

describe('the words for a lock', () => {
  const lockedAt = new Date('2026-01-02T03:04:05Z');
  const info: LockInfo = {
    fullKey: 'locks/ephemeral/jobs/nightly',
    locked: true,
    sessionId: '0c0',
    fencingToken: 7,
    value: '{"hostname":"web-1","pid":42}',
    node: 'agent-1',
    sessionName: 'consul-lock',
    lockedAt,
  };
  const { node: _node, sessionName: _sessionName, ...withoutSession } = info;

  it('call it by its key without the pattern', () => {
    expect(keyOf(info)).toBe('jobs/nightly');
  });

  it.each<[string, LockInfo, string]>([
    ['host, process, session and node', info, 'web-1 pid 42 (session consul-lock, node agent-1)'],
    ['no process', { ...info, value: '{"hostname":"web-1"}' }, 'web-1 (session consul-lock, node agent-1)'],
    ['a value of another kind', { ...info, value: 'mine' }, 'session consul-lock, node agent-1'],
    ['JSON of another kind', { ...info, value: 'null' }, 'session consul-lock, node agent-1'],
    ['wrong types', { ...info, value: '{"hostname":1,"pid":"x"}' }, 'session consul-lock, node agent-1'],
    ['no value', { ...info, value: null }, 'session consul-lock, node agent-1'],
    ['a session without a name', { ...info, sessionName: '' }, 'web-1 pid 42 (session 0c0, node agent-1)'],
    ['a session that has just gone', withoutSession, 'web-1 pid 42 (session 0c0)'],
    ['nobody', { ...info, locked: false }, 'nobody'],
    [
      'control characters',
      { ...info, value: '{"hostname":"\\u001b[2J"}' },
      '\\e[2J (session consul-lock, node agent-1)',
    ],
  ])('name its holder: %s', (_title, one, words) => {
    expect(holderOf(one)).toBe(words);
  });

  it('say since when, where the value tells', () => {
    const { lockedAt: _lockedAt, ...without } = info;
    expect(sinceOf(info)).toMatch(/^2026-01-0[123] \d\d:04:05 \(\d+d\)$/);
    expect(whoHolds(info)).toMatch(/^held by web-1 pid 42 \(.*\) since 2026-01-0[123] \d\d:04:05$/);
    expect([sinceOf(without), whoHolds(without)]).toEqual(['', `held by ${holderOf(info)}`]);
  });
});
