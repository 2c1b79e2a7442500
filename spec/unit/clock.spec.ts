import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type Clock, eitherClock } from '../../lib/clock.ts';
import { systemClock } from '../../lib/system-clock.ts';
import { sleep } from '../../lib/sleep.ts';
import { FakeConsul } from '../../lib/testing/index.ts';
import { TestClock } from '../support/test-clock.ts';

let monotonicMs: number;
let wallMs: number;

/** `performance.now` and `Date.now`, each moved by hand. */
function stubClocks(): void {
  monotonicMs = 1_000;
  wallMs = 1_700_000_000_000;
  jest.spyOn(performance, 'now').mockImplementation(() => monotonicMs);
  jest.spyOn(Date, 'now').mockImplementation(() => wallMs);
}

describe('systemClock', () => {
  describe('elapsedSince', () => {
    beforeEach(stubClocks);

    it.each([
      ['both tell the same', 50, 50, 50],
      ['the machine was suspended, and the monotonic clock stood still', 0, 60_000, 60_000],
      ['the wall clock was set back', 50, -60_000, 50],
      ['the wall clock was set forward', 50, 60_000, 60_000],
      ['both stood still', 0, 0, 0],
      ['both went back', -5, -5, 0],
    ])('counts the larger when %s', (_, monotonic, wall, elapsed) => {
      const instant = systemClock.read();
      monotonicMs += monotonic;
      wallMs += wall;
      expect(systemClock.elapsedSince(instant)).toBe(elapsed);
    });

    it('reads both clocks at once', () => {
      expect(systemClock.read()).toEqual({ monotonicMs: 1_000, wallMs: 1_700_000_000_000 });
    });
  });

  describe('schedule', () => {
    beforeEach(() => {
      jest.useFakeTimers();
    });

    afterEach(() => {
      jest.restoreAllMocks();
      jest.useRealTimers();
    });

    it('fires once, when the time has come', () => {
      const callback = jest.fn();
      systemClock.schedule(500, callback);
      jest.advanceTimersByTime(499);
      expect(callback).not.toHaveBeenCalled();
      jest.advanceTimersByTime(1);
      jest.advanceTimersByTime(10_000);
      expect(callback).toHaveBeenCalledTimes(1);
    });

    it.each([
      ['at the longest timer of Node', 2 ** 31 - 1],
      ['beyond it', 2 ** 31],
      ['far beyond it', 5 * 2 ** 31 + 7],
    ])('fires in its time %s', (_, delayMs) => {
      const callback = jest.fn();
      systemClock.schedule(delayMs, callback);
      jest.advanceTimersByTime(delayMs - 1);
      expect(callback).not.toHaveBeenCalled();
      jest.advanceTimersByTime(1);
      expect(callback).toHaveBeenCalledTimes(1);
    });

    it('never asks Node for more than it can', () => {
      const timers = jest.spyOn(globalThis, 'setTimeout');
      const dispose = systemClock.schedule(Infinity, () => {});
      jest.advanceTimersByTime(3 * 2 ** 31);
      expect(timers.mock.calls.length).toBeGreaterThan(2);
      expect(timers.mock.calls.every(([, delayMs]) => delayMs! <= 2 ** 31 - 1)).toBe(true);
      dispose();
      const { value: last } = timers.mock.results.at(-1)!;
      expect((last as NodeJS.Timeout).hasRef()).toBe(false);
    });

    it.each([0, -5])('fires soon, and not at once, after %d ms', (delayMs) => {
      const callback = jest.fn();
      systemClock.schedule(delayMs, callback);
      expect(callback).not.toHaveBeenCalled();
      jest.advanceTimersByTime(1);
      expect(callback).toHaveBeenCalledTimes(1);
    });

    it('is disposed of, also in its later stretches', () => {
      const callback = jest.fn();
      systemClock.schedule(500, callback)();
      const dispose = systemClock.schedule(3 * 2 ** 31, callback);
      jest.advanceTimersByTime(2 ** 31 + 5);
      dispose();
      jest.advanceTimersByTime(3 * 2 ** 31);
      expect(callback).not.toHaveBeenCalled();
      expect(jest.getTimerCount()).toBe(0);
    });

    it('waits for no timer that was set before the timers were replaced, or put back', async () => {
      const [late, never] = [jest.fn(), jest.fn()];
      systemClock.schedule(600, never);
      jest.useRealTimers();
      await new Promise<void>((resolve) => systemClock.schedule(600, resolve));
      systemClock.schedule(600, late);
      jest.useFakeTimers();
      const fake = jest.fn();
      systemClock.schedule(600, fake);
      jest.advanceTimersByTime(600);
      expect(fake).toHaveBeenCalledTimes(1);
      expect(never).not.toHaveBeenCalled();
      jest.useRealTimers();
      await new Promise<void>((resolve) => systemClock.schedule(650, resolve));
      expect(late).toHaveBeenCalledTimes(1);
    });

    it.each([
      [true, undefined],
      [true, { keepProcessAlive: true }],
      [false, { keepProcessAlive: false }],
    ])('keeps the process alive: %s for %j', (keepsAlive, options) => {
      const timers = jest.spyOn(globalThis, 'setTimeout');
      systemClock.schedule(3 * 2 ** 31, () => {}, options);
      jest.advanceTimersByTime(2 ** 31);
      expect(timers).toHaveBeenCalledTimes(2);
      for (const { value } of timers.mock.results) {
        expect((value as NodeJS.Timeout).hasRef()).toBe(keepsAlive);
      }
    });
  });
});

describe('eitherClock', () => {
  let one: TestClock;
  let other: TestClock;
  let either: Clock;

  beforeEach(() => {
    [one, other] = [new TestClock(), new TestClock()];
    either = eitherClock(one, other);
  });

  it('is the clock itself where both are one', () => {
    expect(eitherClock(one, one)).toBe(one);
  });

  it('counts what has elapsed by the one that went further', () => {
    const instant = either.read();
    one.move(5);
    other.move(7);
    expect(either.elapsedSince(instant)).toBe(7);
    one.move(4);
    expect(either.elapsedSince(instant)).toBe(9);
  });

  it('tells several readings apart', () => {
    const first = either.read();
    other.move(7);
    const second = either.read();
    other.move(1);
    expect([either.elapsedSince(first), either.elapsedSince(second)]).toEqual([8, 1]);
  });

  it('counts by the first clock alone from a reading of that one', () => {
    const instant = one.read();
    one.move(3);
    other.move(9);
    expect(either.elapsedSince(instant)).toBe(3);
  });

  it.each(['one', 'other'] as const)('fires once, by %s that gets there first', (first) => {
    const callback = jest.fn();
    either.schedule(10, callback);
    const [sooner, later] = first === 'one' ? [one, other] : [other, one];
    sooner.move(10);
    expect(callback).toHaveBeenCalledTimes(1);
    later.move(10);
    expect(callback).toHaveBeenCalledTimes(1);
    expect([one.timers, other.timers]).toEqual([0, 0]);
  });

  it('is disposed of on both', () => {
    const callback = jest.fn();
    either.schedule(10, callback)();
    expect([one.timers, other.timers]).toEqual([0, 0]);
  });

  it('fires on a FakeConsul that a test moves, and on the system', async () => {
    const fake = new FakeConsul({ now: 0 });
    const { clock } = fake as unknown as { clock: Clock };
    const fired = new Promise<void>((resolve) => eitherClock(clock, systemClock).schedule(60_000, resolve));
    await fake.advance(60_000);
    await fired;
    await new Promise<void>((resolve) => eitherClock(clock, systemClock).schedule(1, resolve));
    expect(fake.now()).toBe(60_000);
  });
});

describe('sleep', () => {
  let clock: TestClock;

  beforeEach(() => {
    clock = new TestClock();
  });

  it('resolves after its time', async () => {
    let isOver = false;
    const sleeping = sleep(clock, 10).then(() => (isOver = true));
    clock.move(9);
    await Promise.resolve();
    expect(isOver).toBe(false);
    clock.move(1);
    await expect(sleeping).resolves.toBe(true);
  });

  it('rejects with the reason of its signal, and leaves no timer', async () => {
    const controller = new AbortController();
    const sleeping = sleep(clock, 10, { signal: controller.signal });
    const reason = { not: 'an error' };
    controller.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
    expect(clock.timers).toBe(0);
  });

  it('starts nothing for a signal that has aborted', async () => {
    const reason = new Error('before');
    await expect(sleep(clock, 10, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(clock.timers).toBe(0);
  });

  it('leaves no listener on its signal, however it ends', async () => {
    const { signal, listeners } = countedSignal();
    const sleeping = sleep(clock, 10, { signal });
    expect(listeners()).toBe(1);
    clock.move(10);
    await sleeping;
    expect(listeners()).toBe(0);
  });

  it('does not hear an abort that comes later', async () => {
    const controller = new AbortController();
    const sleeping = sleep(clock, 10, { signal: controller.signal });
    clock.move(10);
    controller.abort(new Error('late'));
    await expect(sleeping).resolves.toBeUndefined();
  });

  it.each([true, false])('says whether it keeps the process alive: %s', async (keepProcessAlive) => {
    const sleeping = sleep(clock, 10, { keepProcessAlive });
    expect(clock.lastOptions).toEqual({ keepProcessAlive });
    clock.move(10);
    await sleeping;
  });
});

function countedSignal(): { signal: AbortSignal; listeners: () => number } {
  const { signal } = new AbortController();
  let count = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  jest.spyOn(signal, 'addEventListener').mockImplementation((...args: Parameters<typeof add>) => {
    count++;
    add(...args);
  });
  jest.spyOn(signal, 'removeEventListener').mockImplementation((...args: Parameters<typeof remove>) => {
    count--;
    remove(...args);
  });
  return { signal, listeners: () => count };
}
