import { describe, expect, it } from '@jest/globals';
import { comparison } from '../../bench/contests/limit.ts';
import { establishedTo } from '../../bench/measures/connections.ts';
import { overtaken, smallestShare, waitInRounds } from '../../bench/measures/fairness.ts';
import { cpuTimesOf } from '../../bench/measures/cpu-times.ts';
import { highest, mean, median, percentile } from '../../bench/measures/statistics.ts';
import { chart } from '../../bench/report/chart.ts';
import { achievedIn, type Measured } from '../../bench/report/results.ts';
import { aligned, shown } from '../../bench/report/table.ts';
import { bound, isReached, judged } from '../../bench/report/targets.ts';
import type { Row } from '../../bench/rows.ts';

describe('the benchmark: statistics', () => {
  it('takes the middle of the sorted values, or of the two in the middle', () => {
    expect(median([10, 9, 2])).toBe(9);
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });

  it('finds the place of a percentile in proportion', () => {
    const values = Array.from({ length: 101 }, (_, value) => value);
    expect(percentile(values, 0.99)).toBe(99);
    expect(percentile([0, 10], 0.75)).toBe(7.5);
  });

  it('has no figure for no values', () => {
    expect([mean([]), median([]), percentile([], 0.99)]).toEqual([NaN, NaN, NaN]);
    expect([mean([1, 2, 6]), highest([1, 3, 2])]).toEqual([3, 3]);
  });
});

describe('the benchmark: fairness', () => {
  it.each([
    [[0, 1, 2, 3], 0, 'in the order of their calls'],
    [[0, 2, 1, 3], 1, 'one overtaken'],
    [[3, 0, 1, 2], 3, 'three overtaken by one'],
    [[0, 2, 3], 1, 'one that was never served'],
    [[], 0, 'nobody'],
  ])('serves %j: %d overtaken, %s', (served, expected) => {
    expect(overtaken(served)).toBe(expected);
  });

  it('compares the least served with its fair share', () => {
    expect(smallestShare([100, 100, 100, 100])).toBe(1);
    expect(smallestShare([50, 100, 110, 140])).toBe(0.5);
    expect(smallestShare([0, 8])).toBe(0);
  });

  it('tells the worst wait in mean rounds', () => {
    // 40 callers and 400 locks a second: everybody has a turn each 100 ms.
    expect(waitInRounds(250, 40, 400)).toBe(2.5);
  });
});

describe('the benchmark: connections', () => {
  it('are those of clients, that are established, to the port', () => {
    const table = [
      '  sl  local_address rem_address   st tx_queue rx_queue',
      '   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000', // the listener
      '   1: 0100007F:A001 0100007F:1F90 01 00000000:00000000', // a client
      '   2: 0100007F:1F90 0100007F:A001 01 00000000:00000000', // its other end
      '   3: 0100007F:A002 0100007F:1F90 06 00000000:00000000', // one that has ended
      '   4: 0100007F:A003 0100007F:1F91 01 00000000:00000000', // to another port
      '',
    ].join('\n');
    expect(establishedTo(8_080, table)).toBe(1);
  });
});

describe('the benchmark: results', () => {
  const rows: Row[] = [
    {
      name: '1x50',
      title: 'fifty, one key',
      contestants: ['consul-lock', 'hand-written', 'redlock'],
      measure: async () => ({}),
      targets: [
        { figure: 'toLimit', says: 'to the limit', atLeast: 0.9 },
        { figure: 'timeToHandWritten', says: 'to hand-written locks', atMost: 0.7 },
        { figure: 'failures', says: 'failures', atMost: 0 },
      ],
    },
  ];
  const one = (contestant: Measured['contestant'], run: number, figures: Measured['figures']): Measured => ({
    row: '1x50',
    contestant,
    run,
    figures,
  });

  it('compares with the mean of what was measured before and after', () => {
    const rate = (locksPerSecond: number): { locksPerSecond: number } => ({ locksPerSecond });
    expect(comparison('locksPerSecond', rate(450), [rate(400), rate(600)])).toEqual({
      limit: 500,
      toLimit: 0.9,
    });
  });

  it('compares the parts of a contest with the mean of what was measured beside each', () => {
    const time = (meanMs: number): { meanMs: number } => ({ meanMs });
    expect(comparison('meanMs', time(6), [time(2), time(6), time(2)])).toEqual({ limit: 4, toLimit: 1.5 });
  });

  it('is the median of the runs, but the worst of what must not be at all', () => {
    const [ours] = achievedIn(rows, [
      one('consul-lock', 1, { toLimit: 0.95, failures: 0 }),
      one('consul-lock', 2, { toLimit: 0.91, failures: 1 }),
      one('consul-lock', 3, { toLimit: 0.5, failures: 0 }),
    ]);
    expect(ours).toMatchObject({ figures: { toLimit: 0.91, failures: 1 }, failures: [] });
    expect(judged(rows, [ours!]).map(({ isMet }) => isMet)).toEqual([true, false, false]);
  });

  it('compares with hand-written locks within each run', () => {
    const [ours] = achievedIn(rows, [
      one('consul-lock', 1, { meanMs: 9, toLimit: 1.2 }),
      one('hand-written', 1, { meanMs: 8, toLimit: 2 }),
      one('consul-lock', 2, { meanMs: 7, toLimit: 1.4 }),
      one('hand-written', 2, { meanMs: 7, toLimit: 2 }),
      one('consul-lock', 3, { meanMs: 7, toLimit: 1.1 }),
      one('hand-written', 3, { meanMs: 10, toLimit: 1.1 }),
    ]);
    expect(ours!.figures.timeToHandWritten).toBe(0.7);
  });

  it('meets no target where a run failed or nothing was measured', () => {
    const achieved = achievedIn(rows, [
      one('consul-lock', 1, { toLimit: 0.95, failures: 0 }),
      { ...one('consul-lock', 2, {}), failure: 'the server ended' },
    ]);
    expect(achieved[0]!.failures).toEqual(['the server ended']);
    expect(judged(rows, achieved).some(({ isMet }) => isMet)).toBe(false);
    expect(isReached({ figure: 'toLimit', says: '', atMost: 1 }, undefined)).toBe(false);
  });

  it('tells bounds and figures in few characters', () => {
    expect(bound({ figure: 'toLimit', says: '', atMost: 1.15 })).toBe('≤ 1.15');
    expect([0.961, 12.34, 479.4, 3, undefined, NaN].map(shown)).toEqual([
      '0.96',
      '12.3',
      '479',
      '3',
      '–',
      '–',
    ]);
  });

  it('aligns names to the left and figures to the right', () => {
    expect(
      aligned(
        [
          ['', 'ms'],
          ['long name', '1'],
          ['short', '100'],
        ],
        1,
      ),
    ).toBe('            ms\nlong name    1\nshort      100');
  });

  it('draws what was measured, in colours for light and dark', () => {
    const achieved = achievedIn(rows, [
      one('consul-lock', 1, { locksPerSecond: 762, entriesPerLock: 1.06, limit: 800 }),
      one('redlock', 1, { locksPerSecond: 415 }),
    ]);
    const picture = chart(achieved, () => 'fifty, one key');
    expect(picture).toMatch(/^<svg [^]*<\/svg>\n$/);
    expect(picture).toContain('prefers-color-scheme: dark');
    expect(picture.match(/<rect class="(consul-lock|redlock)"[^>]*rx="1.5"/g)).toHaveLength(3);
    expect(picture.match(/class="limit" d=/g)).toHaveLength(1);
    expect(picture).toContain('>762<');
    expect(picture).not.toContain('hand-written on');
    expect(picture).not.toContain('NaN');
    expect(chart([], () => '')).toBe('');
  });
});

describe('the benchmark: whose code the time goes to', () => {
  it('is told by the files of a profile, without what was idle', () => {
    const urls = [
      ['(idle)', ''],
      ['(garbage collector)', ''],
      ['writev', ''],
      ['socketOnData', 'node:_http_client'],
      ['_request', 'file:///x/node_modules/papi/lib/client.js'],
      ['handOver', 'file:///x/build/lib/hand-over.js'],
    ] as const;
    const nodes = urls.map(([functionName, url], id) => ({ id, callFrame: { functionName, url } }));
    const spent = cpuTimesOf({ nodes, samples: [0, 1, 2, 3, 4, 5, 5], timeDeltas: [9, 1, 2, 3, 4, 5, 6] });
    expect(spent).toEqual({
      'in all': 21,
      'consul-lock': 11,
      'consul client': 4,
      Node: 3,
      'native, system calls': 2,
      garbage: 1,
    });
  });
});
