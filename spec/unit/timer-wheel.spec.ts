import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { TimerWheel } from '../../lib/timer-wheel.ts';

/** In milliseconds: around the slots, and far beyond them. */
const DELAYS_MS = [1, 255, 511, 512, 513, 767, 768, 1_000, 1_024, 10_000, 180_000, 2 ** 31 - 1, 2 ** 31 + 9];

let wheel: TimerWheel;
/** How many timers were set in all. */
let timersSet: number;
/** Those that are set, and have neither fired nor been cleared. */
let pending: Set<NodeJS.Timeout>;

beforeEach(() => {
  jest.useFakeTimers();
  const [set, clear] = [setTimeout, clearTimeout];
  [timersSet, pending] = [0, new Set()];
  jest.spyOn(globalThis, 'setTimeout').mockImplementation(((callback: () => void, delayMs: number) => {
    const timer = set(() => {
      pending.delete(timer);
      callback();
    }, delayMs);
    timersSet++;
    pending.add(timer);
    return timer;
  }) as typeof setTimeout);
  jest.spyOn(globalThis, 'clearTimeout').mockImplementation((timer) => {
    pending.delete(timer as NodeJS.Timeout);
    clear(timer);
  });
  wheel = new TimerWheel();
});

afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

function keepsProcessAlive(): boolean {
  return [...pending].some((timer) => timer.hasRef());
}

describe('a timer wheel', () => {
  describe.each([0, 100, 255, 256, 1_234])('that is used first at %d ms', (beginMs) => {
    beforeEach(() => jest.advanceTimersByTime(beginMs));

    it.each(DELAYS_MS)('fires once, punctually, after %d ms', (delayMs) => {
      const callback = jest.fn();
      wheel.schedule(delayMs, callback, true);
      jest.advanceTimersByTime(delayMs - 1);
      expect(callback).not.toHaveBeenCalled();
      jest.advanceTimersByTime(1);
      expect(callback).toHaveBeenCalledTimes(1);
      jest.advanceTimersByTime(20_000);
      expect(callback).toHaveBeenCalledTimes(1);
    });
  });

  it('fires all in the order in which they fall due, whenever each was set', () => {
    const fired: number[] = [];
    const due = new Set<number>();
    for (const [index, delayMs] of [...DELAYS_MS, ...DELAYS_MS.toReversed()].entries()) {
      jest.advanceTimersByTime(index * 37);
      const dueMs = performance.now() + delayMs;
      due.add(dueMs);
      wheel.schedule(
        delayMs,
        () => {
          expect(performance.now()).toBe(dueMs);
          fired.push(dueMs);
        },
        false,
      );
    }
    jest.advanceTimersByTime(2 ** 32);
    expect(fired).toHaveLength(2 * DELAYS_MS.length);
    expect(fired).toEqual(fired.toSorted((one, other) => one - other));
    expect(new Set(fired)).toEqual(due);
  });

  it.each(DELAYS_MS)('does not fire after %d ms what was disposed of before, however late', (delayMs) => {
    for (const restMs of [delayMs, 600, 300, 100, 1]) {
      if (restMs > delayMs) continue;
      const callback = jest.fn();
      const dispose = wheel.schedule(delayMs, callback, true);
      jest.advanceTimersByTime(Math.max(0, delayMs - restMs));
      dispose();
      dispose();
      jest.advanceTimersByTime(delayMs + 10_000);
      expect(callback).not.toHaveBeenCalled();
      expect(keepsProcessAlive()).toBe(false);
    }
  });

  it('leaves the others to fire when one is disposed of, also by another that fires at the same time', () => {
    const [first, second, third] = [jest.fn(), jest.fn(), jest.fn()];
    wheel.schedule(
      5_000,
      () => {
        first();
        disposeSecond();
      },
      true,
    );
    const disposeSecond = wheel.schedule(5_000, second, true);
    wheel.schedule(5_000, third, true);
    jest.advanceTimersByTime(5_000);
    expect([first, second, third].map((callback) => callback.mock.calls.length)).toEqual([1, 0, 1]);
  });

  it('takes new ones from a callback, and goes on when one throws', () => {
    const later = jest.fn();
    wheel.schedule(1_000, () => void wheel.schedule(1_000, later, true), true);
    wheel.schedule(
      1_000,
      () => {
        throw new Error('a callback threw');
      },
      true,
    );
    expect(() => jest.advanceTimersByTime(1_000)).toThrow('a callback threw');
    jest.advanceTimersByTime(1_000);
    expect(later).toHaveBeenCalledTimes(1);
  });

  it('asks Node for hardly any timers for what never comes to fire', () => {
    for (let lock = 0; lock < 10_000; lock++) {
      const disposals = [10_000, 20_000, 12_000, 179_900, 1_000].map((delayMs) =>
        wheel.schedule(delayMs, () => {}, lock % 2 === 0),
      );
      jest.advanceTimersByTime(2);
      for (const dispose of disposals) dispose();
    }
    // One for each quarter of a second at most, and as often one that falls due earlier than those before.
    expect(timersSet).toBeLessThan(20_000 / 128);
  });

  it('sets no timer any more once all are disposed of and the last slot has been looked at', () => {
    for (const delayMs of [1_000, 10_000, 180_000]) wheel.schedule(delayMs, () => {}, false)();
    jest.advanceTimersByTime(1_000);
    const count = timersSet;
    jest.advanceTimersByTime(1_000_000);
    expect(timersSet).toBe(count);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('keeps the process alive for as long as there is one that is to', () => {
    const disposals = [1_000, 5_000, Infinity].map((delayMs) => wheel.schedule(delayMs, () => {}, true));
    wheel.schedule(60_000, () => {}, false);
    expect(keepsProcessAlive()).toBe(true);
    for (const dispose of disposals) {
      expect(keepsProcessAlive()).toBe(true);
      dispose();
    }
    expect(keepsProcessAlive()).toBe(false);
    wheel.schedule(90_000, () => {}, true);
    expect(keepsProcessAlive()).toBe(true);
    jest.advanceTimersByTime(89_999);
    expect(keepsProcessAlive()).toBe(true);
  });

  it('keeps it alive no longer than until the last of them has fired', () => {
    wheel.schedule(60_000, () => {}, false);
    const last = jest.fn();
    wheel.schedule(5_000, last, true);
    jest.advanceTimersByTime(4_999);
    expect(keepsProcessAlive()).toBe(true);
    jest.advanceTimersByTime(1);
    expect(last).toHaveBeenCalledTimes(1);
    expect(keepsProcessAlive()).toBe(false);
  });

  it('lets the process end with those that are not to keep it, at every distance', () => {
    for (const delayMs of DELAYS_MS) wheel.schedule(delayMs, () => {}, false);
    expect(keepsProcessAlive()).toBe(false);
    jest.advanceTimersByTime(179_999);
    expect(keepsProcessAlive()).toBe(false);
  });
});
