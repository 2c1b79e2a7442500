import { describe, expect, it } from '@jest/globals';
import { familyOf, processesOfPs, processOfStat, runningProcesses } from '../../lib/cli/processes.ts';

const STAT_TAIL = '34816 42 4194560 1 0 0 0 0 0 0 0 20 0 1 0 5555 0 0';

describe('processes', () => {
  it('are read out of /proc, whatever their names are', () => {
    expect(processOfStat(`42 (a) S (b) S 7 40 40 ${STAT_TAIL}`)).toEqual({
      pid: 42,
      parent: 7,
      group: 40,
      startedAt: '5555',
    });
  });

  it('do not run as zombies, nor when they have ended meanwhile', () => {
    expect(processOfStat(`42 (sh) Z 7 40 40 ${STAT_TAIL}`)).toBeUndefined();
    expect(processOfStat('')).toBeUndefined();
  });

  it('are read out of what ps prints elsewhere', () => {
    const output =
      '    1     0     1 Ss   Fri Jan  2 03:04:05 2026\n' +
      '   42     1    40 S+   Fri Jan  2 03:04:06 2026\n' +
      '   43     1    40 Z    Fri Jan  2 03:04:06 2026\n';
    expect(processesOfPs(output)).toEqual([
      { pid: 1, parent: 0, group: 1, startedAt: 'Fri Jan  2 03:04:05 2026' },
      { pid: 42, parent: 1, group: 40, startedAt: 'Fri Jan  2 03:04:06 2026' },
    ]);
  });

  it('include this one', () => {
    expect(runningProcesses()).toContainEqual(
      expect.objectContaining({ pid: process.pid, parent: process.ppid }),
    );
  });

  it('are one family with what descends from them, in any order of their numbers', () => {
    const of = (pid: number, parent: number): ReturnType<typeof runningProcesses>[number] => ({
      pid,
      parent,
      group: 1,
      startedAt: '',
    });
    const all = [of(3, 9), of(9, 5), of(5, 1), of(6, 1), of(1, 0)];
    expect(familyOf(5, all).map(({ pid }) => pid)).toEqual([5, 9, 3]);
    expect(familyOf(7, all)).toEqual([]);
  });
});
