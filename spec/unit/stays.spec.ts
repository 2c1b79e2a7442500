import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Stays } from '../../lib/stays.ts';

let stays: Stays;
let flags = 0;
let now: jest.SpiedFunction<typeof performance.now>;

beforeEach(() => {
  stays = new Stays();
  now = jest.spyOn(performance, 'now').mockReturnValue(0);
});

/** A process hands the lock over among its own callers for so long, and somebody else takes it. */
function stay(tookMs: number): void {
  const began = performance.now();
  stays.saw(1, ++flags);
  stays.saw(1, ++flags);
  now.mockReturnValue(began + tookMs);
  stays.ended();
}

describe('the stays of another process', () => {
  it('are watched as long as nothing is known of them', () => {
    stays.saw(1, 1);
    stays.saw(1, 2);
    expect(stays.restMs()).toBe(0);
  });

  it('are left unwatched for a part of what they usually take, once handing over is seen', () => {
    stay(20);
    stays.saw(2, ++flags);
    expect(stays.restMs()).toBe(0);
    stays.saw(2, ++flags);
    expect(stays.restMs()).toBeCloseTo(12);
    now.mockReturnValue(20 + 10);
    expect(stays.restMs()).toBeCloseTo(2);
    now.mockReturnValue(20 + 13);
    expect(stays.restMs()).toBe(0);
  });

  it('count at once when they are shorter, and little by little when they are longer', () => {
    stay(40);
    stay(10);
    stays.saw(2, ++flags);
    stays.saw(2, ++flags);
    expect(stays.restMs()).toBeCloseTo(6);
    stays.ended();
    stay(10);
    stay(50);
    stays.saw(2, ++flags);
    stays.saw(2, ++flags);
    expect(stays.restMs()).toBeLessThan(0.6 * 50);
  });

  it('are watched closely again after one without any handing over', () => {
    stay(20);
    stays.saw(2, ++flags);
    stays.saw(3, ++flags);
    stays.saw(3, ++flags);
    expect(stays.restMs()).toBe(0);
  });

  it('are never left unwatched for longer than a tenth of a second', () => {
    stay(5_000);
    stays.saw(2, ++flags);
    stays.saw(2, ++flags);
    expect(stays.restMs()).toBe(100);
  });
});
