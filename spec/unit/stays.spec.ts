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
function stay(tookMs: number, process = 1): void {
  const began = performance.now();
  stays.saw(process, ++flags);
  stays.saw(process, ++flags);
  now.mockReturnValue(began + tookMs);
  stays.ended();
}

describe('the stays of another process', () => {
  it('are watched as long as nothing is known of them', () => {
    stays.saw(1, 1);
    stays.saw(1, 2);
    expect(stays.restMs()).toBe(0);
  });

  it('are left unwatched from their first moment for a part of what they usually take', () => {
    stay(20);
    stays.saw(1, ++flags);
    expect(stays.restMs()).toBeCloseTo(12);
    now.mockReturnValue(20 + 10);
    expect(stays.restMs()).toBeCloseTo(2);
    now.mockReturnValue(20 + 13);
    expect(stays.restMs()).toBe(0);
  });

  it('are known of each process for itself', () => {
    stay(20, 1);
    stay(50, 2);
    stays.saw(3, ++flags);
    expect(stays.restMs()).toBe(0);
    stays.saw(2, ++flags);
    expect(stays.restMs()).toBeCloseTo(30);
    stays.saw(1, ++flags);
    expect(stays.restMs()).toBeCloseTo(12);
  });

  it('count at once when they are shorter, and little by little when they are longer', () => {
    stay(40);
    stay(10);
    stays.saw(1, ++flags);
    stays.saw(1, ++flags);
    expect(stays.restMs()).toBeCloseTo(6);
    now.mockReturnValue(60);
    stays.ended();
    stay(50);
    stays.saw(1, ++flags);
    expect(stays.restMs()).toBeGreaterThan(6);
    expect(stays.restMs()).toBeLessThan(0.6 * 50);
  });

  it('are watched closely again after one in which no handing over was seen', () => {
    stay(20);
    stays.saw(1, ++flags);
    stays.saw(2, ++flags);
    stays.saw(1, ++flags);
    expect(stays.restMs()).toBe(0);
  });

  it('are never left unwatched for longer than a tenth of a second', () => {
    stay(5_000);
    stays.saw(1, ++flags);
    expect(stays.restMs()).toBe(100);
  });

  it('are not remembered of any number of processes', () => {
    for (let process = 1; process <= 65; process++) stay(20, process);
    stays.saw(1, ++flags);
    expect(stays.restMs()).toBe(0);
    stays.saw(2, ++flags);
    expect(stays.restMs()).toBeCloseTo(12);
  });

  it('are not left unwatched when nobody has it', () => {
    stay(20);
    expect(stays.restMs()).toBe(0);
  });
});
