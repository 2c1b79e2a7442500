import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Stays } from '../../lib/stays.ts';

const WRITE_MS = 1;

let stays: Stays;
let index: number;
let now: jest.SpiedFunction<typeof performance.now>;

beforeEach(() => {
  stays = new Stays();
  index = 0;
  now = jest.spyOn(performance, 'now').mockReturnValue(0);
});

/** What flags say beside the links. */
const OTHERS = 32 * 1_000;

/** A process is seen with the lock, handed over so often in this stay. */
function seen(process: number, links: number, atMs = performance.now()): boolean {
  now.mockReturnValue(atMs);
  return stays.saw(process, { flags: OTHERS * index + links, createIndex: index, lockIndex: 1 });
}

/** A process takes the lock. */
function takes(process: number, links = 0): void {
  index++;
  seen(process, links);
}

/** A stay that is watched to its end. */
function stay(links: number, process = 1): void {
  takes(process);
  for (let link = 1; link <= links; link++) seen(process, link);
  stays.restMs(true, WRITE_MS);
  stays.ended();
}

function restMs({ isNext = true, writeMs = WRITE_MS } = {}): number {
  return stays.restMs(isNext, writeMs);
}

describe('the stays of another process', () => {
  it('are watched as long as nothing is known of them', () => {
    takes(1);
    expect([restMs(), restMs({ isNext: false })]).toEqual([0, 0]);
  });

  it('are left unwatched from their first moment for a part of the handings over that are to come', () => {
    stay(10);
    takes(1);
    expect(restMs()).toBeCloseTo(0.6 * 10 * 0.6);
    expect(restMs({ writeMs: 5 })).toBeCloseTo(5 * 0.6 * 10 * 0.6);
    now.mockReturnValue(2);
    expect(restMs()).toBeCloseTo(3.6 - 2);
    now.mockReturnValue(4);
    expect(restMs()).toBe(0);
  });

  it('are left unwatched to the end by who is not the next', () => {
    stay(10);
    takes(1);
    expect(restMs({ isNext: false })).toBeCloseTo((10 + 2) * 0.6);
  });

  it('are left unwatched by how fast they go on, once that is seen', () => {
    stay(10);
    takes(1);
    seen(1, 2, 10);
    expect(restMs()).toBeCloseTo(0.6 * 8 * 5);
    expect(restMs({ isNext: false })).toBeCloseTo((8 + 2) * 5);
  });

  it('are watched by the next one when their end is near', () => {
    stay(10);
    takes(1, 7);
    expect(restMs()).toBe(0);
    expect(restMs({ isNext: false })).toBeGreaterThan(0);
    seen(1, 12);
    expect(restMs({ isNext: false })).toBe(0);
  });

  it('are known of each process for itself', () => {
    stay(16, 1);
    stay(8, 2);
    takes(3);
    expect(restMs()).toBe(0);
    takes(2);
    expect(restMs()).toBeCloseTo(0.6 * 8 * 0.6);
    takes(1);
    expect(restMs()).toBeCloseTo(0.6 * 16 * 0.6);
  });

  it('are expected to be as the last one that was watched to its end', () => {
    stay(16);
    stay(5);
    takes(1);
    expect(restMs()).toBeCloseTo(0.6 * 5 * 0.6);
    stay(0);
    takes(1);
    expect(restMs()).toBe(0);
  });

  it('are expected to be a little shorter after one whose end was not seen, and in the end watched', () => {
    const rests: number[] = [];
    stay(16);
    for (let i = 0; i < 12; i++) {
      takes(1);
      rests.push(restMs());
      stays.ended();
    }
    expect(rests[1]).toBeCloseTo(0.6 * 12 * 0.6);
    expect(rests).toEqual(rests.toSorted((one, other) => other - one));
    expect(rests.at(-1)).toBe(0);
  });

  it('are not expected to be longer than those of who sees others', () => {
    stay(31);
    takes(1);
    expect(restMs()).toBeCloseTo(0.6 * 16 * 0.6);
  });

  it.each([
    ['createIndex', { createIndex: 2, lockIndex: 1 }],
    ['lockIndex', { createIndex: 1, lockIndex: 2 }],
  ])('are told from each other, also of one process, by its %s', (_name, again) => {
    const saw = (links: number, grant: { createIndex: number; lockIndex: number }): boolean =>
      stays.saw(1, { flags: OTHERS + links, ...grant });
    expect(saw(0, { createIndex: 1, lockIndex: 1 })).toBe(true);
    expect(saw(3, { createIndex: 1, lockIndex: 1 })).toBe(false);
    expect(saw(0, again)).toBe(true);
    expect(saw(1, again)).toBe(false);
  });

  it('go on when a handing over sets the LockIndex to 0', () => {
    const saw = (links: number, lockIndex: number): boolean =>
      stays.saw(1, { flags: OTHERS + links, createIndex: 1, lockIndex });
    expect([saw(0, 1), saw(1, 0), saw(2, 0)]).toEqual([true, false, false]);
  });

  it('are the same when the lock was taken for free and is found held as it was', () => {
    takes(1);
    stays.ended();
    expect(seen(1, 1)).toBe(false);
  });

  it('are never left unwatched for longer than a tenth of a second', () => {
    stay(16);
    takes(1);
    expect([restMs({ writeMs: 1_000 }), restMs({ isNext: false, writeMs: 1_000 })]).toEqual([100, 100]);
  });

  it('are not remembered of any number of processes', () => {
    for (let process = 1; process <= 65; process++) stay(16, process);
    takes(1);
    expect(restMs()).toBe(0);
    takes(2);
    expect(restMs()).toBeGreaterThan(0);
  });

  it('are not left unwatched when nobody has it', () => {
    stay(16);
    expect(restMs()).toBe(0);
  });
});
