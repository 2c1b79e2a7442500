import { describe, expect, it } from '@jest/globals';
import { areOfALock, drawFlags, linksOf, processOf, withLinks } from '../../lib/lock-flags.ts';

describe('the flags of a lock', () => {
  it('are never the same twice in a row, and safe integers above zero', () => {
    const drawn = Array.from({ length: 1_000 }, () => drawFlags());
    expect(new Set(drawn).size).toBe(1_000);
    expect(drawn.every((flags) => Number.isSafeInteger(flags) && flags > 0)).toBe(true);
  });

  it('tell the process, whatever else they tell', () => {
    const [one, other] = [drawFlags(), drawFlags(31)];
    expect(processOf(other)).toBe(processOf(one));
    expect(processOf(withLinks(one, 31))).toBe(processOf(one));
  });

  it('tell how often the lock has been handed over in a row, up to 31 times', () => {
    expect([0, 1, 16, 31, 32, 1_000].map((links) => linksOf(drawFlags(links)))).toEqual([
      0, 1, 16, 31, 31, 31,
    ]);
  });

  it('are known for such, and those of others are not', () => {
    const [least, most] = [drawFlags(0), drawFlags(31)];
    expect([least, most].map(areOfALock)).toEqual([true, true]);
    const others = [0, 1, 1_796_000_000, 1_796_000_000_000, 1_796_000_000_000_000, 2 ** 53 - 1, 2 ** 61];
    expect(others.filter(areOfALock)).toEqual([]);
  });

  it('stay those of one acquisition when it is handed over', () => {
    const flags = drawFlags(3);
    expect(withLinks(withLinks(flags, 16), 3)).toBe(flags);
  });
});
