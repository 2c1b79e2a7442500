import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Stays } from '../../lib/stays.ts';

let stays: Stays;
let index = 0;
let now: jest.SpiedFunction<typeof performance.now>;

beforeEach(() => {
  stays = new Stays();
  now = jest.spyOn(performance, 'now').mockReturnValue(0);
});

/** A process takes the lock. */
function takes(process: number): void {
  index++;
  stays.saw(process, { flags: index, createIndex: index, lockIndex: 1 });
}

/** A process hands the lock over among its own callers for so long, and somebody else takes it. */
function stay(tookMs: number, process = 1): void {
  const began = performance.now();
  const createIndex = ++index;
  stays.saw(process, { flags: ++index, createIndex, lockIndex: 1 });
  stays.saw(process, { flags: ++index, createIndex, lockIndex: 1 });
  now.mockReturnValue(began + tookMs);
  stays.ended();
}

describe('the stays of another process', () => {
  it('are watched as long as nothing is known of them', () => {
    takes(1);
    expect(stays.restMs()).toBe(0);
  });

  it('are left unwatched from their first moment for a part of what they usually take', () => {
    stay(20);
    takes(1);
    expect(stays.restMs()).toBeCloseTo(12);
    now.mockReturnValue(20 + 10);
    expect(stays.restMs()).toBeCloseTo(2);
    now.mockReturnValue(20 + 13);
    expect(stays.restMs()).toBe(0);
  });

  it('are known of each process for itself', () => {
    stay(20, 1);
    stay(50, 2);
    takes(3);
    expect(stays.restMs()).toBe(0);
    takes(2);
    expect(stays.restMs()).toBeCloseTo(30);
    takes(1);
    expect(stays.restMs()).toBeCloseTo(12);
  });

  it('count at once when they are shorter', () => {
    stay(40);
    stay(10);
    takes(1);
    expect(stays.restMs()).toBeCloseTo(6);
  });

  it('count little by little when they are longer', () => {
    stay(10);
    stay(50);
    takes(1);
    expect(stays.restMs()).toBeCloseTo(0.6 * 20);
  });

  it('are watched closely again after one in which no handing over was seen', () => {
    stay(20);
    takes(1);
    takes(2);
    takes(1);
    expect(stays.restMs()).toBe(0);
  });

  it.each([
    ['createIndex', { createIndex: 2, lockIndex: 1 }],
    ['lockIndex', { createIndex: 1, lockIndex: 2 }],
  ])('are not made of one lock that is given back and taken again, by its %s', (_name, again) => {
    stays.saw(1, { flags: 1, createIndex: 1, lockIndex: 1 });
    now.mockReturnValue(20);
    stays.saw(1, { flags: 2, ...again });
    now.mockReturnValue(40);
    takes(1);
    expect(stays.restMs()).toBe(0);
  });

  it('are never left unwatched for longer than a tenth of a second', () => {
    stay(5_000);
    takes(1);
    expect(stays.restMs()).toBe(100);
  });

  it('are not remembered of any number of processes', () => {
    for (let process = 1; process <= 65; process++) stay(20, process);
    takes(1);
    expect(stays.restMs()).toBe(0);
    takes(2);
    expect(stays.restMs()).toBeCloseTo(12);
  });

  it('are not left unwatched when nobody has it', () => {
    stay(20);
    expect(stays.restMs()).toBe(0);
  });
});
