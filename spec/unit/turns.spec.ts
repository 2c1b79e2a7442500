import { describe, expect, it, jest } from '@jest/globals';
import { FakeConsul } from '../../lib/testing/index.ts';
import { knownTurnsOf, Turns, turnsOf } from '../../lib/turns.ts';

const GRANT = { flags: 1, createIndex: 1, lockIndex: 1 };

let index = 0;

/** A token: others have written something since the last one. */
function amidOthers(): number {
  return (index += 10);
}

/** What a process remembers after it has seen these sessions, and won. */
function turnsAfter(...processes: number[]): Turns {
  const turns = new Turns();
  for (const process of processes) turns.saw(process, GRANT);
  turns.won(1, amidOthers());
  return turns;
}

describe('turns', () => {
  it('lets nobody wait who knows of no rivals', () => {
    const turns = new Turns();
    expect(turns.delayMs()).toBe(0);
  });

  it('lets nobody wait on the first wake: whoever had it is done', () => {
    const turns = new Turns();
    turns.saw(1, GRANT);
    expect(turns.delayMs()).toBe(0);
  });

  it('lets who has just had it wait for each of the others, and who has waited for a round not at all', () => {
    const turns = turnsAfter(1, 2, 3);
    const fresh = turns.delayMs();
    expect(fresh).toBeGreaterThan(3);
    turns.saw(1, GRANT);
    turns.saw(2, GRANT);
    expect(turns.delayMs()).toBeGreaterThan(0);
    turns.saw(3, GRANT);
    expect(turns.delayMs()).toBe(0);
  });

  it('lets others go first for longer in a crowd, most of which is not seen', () => {
    jest.spyOn(Math, 'random').mockReturnValue(0);
    const [few, crowd] = [turnsAfter(1, 2, 3), turnsAfter(1, 2, 3, 4)];
    crowd.saw(1, GRANT);
    expect(crowd.delayMs()).toBeGreaterThan(1.5 * few.delayMs());
  });

  it('takes one process for one turn, however often it is seen', () => {
    const turns = turnsAfter(1, 2);
    for (let i = 0; i < 5; i++) turns.saw(1, GRANT);
    expect(turns.delayMs()).toBeGreaterThan(0);
  });

  it('draws those apart by chance who lose races, the more the more often, up to a bound', () => {
    const longest = (lost: number): number => {
      const turns = new Turns();
      turns.saw(1, GRANT);
      for (let i = 0; i < lost; i++) turns.lostRace();
      return Math.max(...Array.from({ length: 200 }, () => turns.delayMs()));
    };
    expect(longest(0)).toBe(0);
    expect(longest(1)).toBeGreaterThan(0);
    expect(longest(3)).toBeGreaterThan(longest(1));
    expect(longest(100)).toBeLessThanOrEqual(2_000);
  });

  it('forgets rivals that have gone', () => {
    const turns = turnsAfter(1, 2, 3, 4);
    for (let i = 0; i < 30; i++) turns.won(1, amidOthers());
    turns.saw(1, GRANT);
    expect(turns.delayMs()).toBe(0);
  });

  it('forgets rivals of whom nothing was heard for a second, or for two rounds where they are longer', () => {
    const now = jest.spyOn(performance, 'now').mockReturnValue(1_000);
    const quick = turnsAfter(1, 2, 3, 4);
    now.mockReturnValue(2_000);
    expect(quick.delayMs()).toBeGreaterThan(0);
    now.mockReturnValue(2_001);
    expect([quick.delayMs(), quick.seesOthers, quick.isCrowded]).toEqual([0, false, false]);

    const slow = turnsAfter();
    now.mockReturnValue(5_001);
    for (const process of [1, 2, 3, 4]) slow.saw(process, GRANT);
    slow.won(1, amidOthers());
    now.mockReturnValue(11_001);
    expect(slow.delayMs()).toBeGreaterThan(0);
    now.mockReturnValue(11_002);
    expect(slow.delayMs()).toBe(0);
  });

  it.each([
    ['it has kept the lock', (turns: Turns) => turns.gaveBack()],
    ['one of them has kept the lock', (turns: Turns) => turns.cameFree()],
    ['it has lost races', (turns: Turns) => turns.lostRace()],
  ])('remembers rivals for however long %s', (_title, hear) => {
    const now = jest.spyOn(performance, 'now').mockReturnValue(1_000);
    const turns = turnsAfter(1, 2, 3, 4);
    now.mockReturnValue(60_000);
    hear(turns);
    expect(turns.delayMs()).toBeGreaterThan(0);
  });

  it('forgets all rivals when they were let go first for a second in all, and nobody was heard of', () => {
    const turns = turnsAfter(...Array.from({ length: 30 }, (_, process) => process));
    let letMs = 0;
    while (letMs < 1_000) {
      expect(turns.isCrowded).toBe(true);
      letMs += turns.delayMs();
      turns.won(1, amidOthers());
      turns.gaveBack();
    }
    expect(turns.seesOthers).toBe(false);
  });

  it('remembers rivals of whom one is seen now and then, however long they are let go first', () => {
    const turns = turnsAfter(...Array.from({ length: 30 }, (_, process) => process));
    for (let i = 0; i < 10; i++) {
      turns.delayMs();
      turns.saw(i, GRANT);
      turns.won(1, amidOthers());
    }
    expect(turns.isCrowded).toBe(true);
  });

  it('takes who sees one process take the lock anew for the next, among few', () => {
    const grant = (createIndex: number): typeof GRANT => ({ ...GRANT, createIndex });
    const [few, crowd] = [turnsAfter(1, 2, 3), turnsAfter(1, 2, 3, 4)];
    for (const turns of [few, crowd]) {
      turns.saw(1, grant(10));
      expect(turns.isNext).toBe(false);
      turns.saw(1, grant(10));
      expect(turns.isNext).toBe(false);
      turns.saw(1, grant(20));
      turns.saw(1, grant(20));
    }
    expect([few.isNext, crowd.isNext]).toEqual([true, false]);
    few.saw(2, grant(30));
    expect(few.isNext).toBe(false);
  });

  it('is not drawn apart by races that it loses to one process again and again', () => {
    const turns = new Turns();
    turns.saw(1, GRANT);
    for (let createIndex = 2; createIndex < 10; createIndex++) {
      turns.lostRace();
      turns.saw(1, { ...GRANT, createIndex });
      expect(turns.delayMs()).toBe(0);
    }
  });

  it('looks for others meanwhile when they are few', () => {
    expect(turnsAfter(1, 2, 3).longestUnseenMs).toBeLessThan(20);
    expect(turnsAfter(1, 2, 3, 4).longestUnseenMs).toBe(Infinity);
  });

  it('lets others go first for two seconds at most, and not all of those for the same time', () => {
    const turns = turnsAfter(...Array.from({ length: 500 }, (_, process) => process));
    const delays = Array.from({ length: 50 }, () => turns.delayMs());
    expect(Math.max(...delays)).toBeLessThanOrEqual(2_000);
    expect(Math.max(...delays) - Math.min(...delays)).toBeGreaterThan(100);
  });

  it('lets one of few go first who was skipped for several rounds, and forgets it in the end', () => {
    let atMs = 1_000;
    jest.spyOn(performance, 'now').mockImplementation(() => atMs);
    const turns = turnsAfter(1, 2, 3);
    const round = (): number => {
      atMs += 100;
      turns.saw(1, GRANT);
      turns.saw(2, GRANT);
      const delayMs = turns.delayMs();
      turns.won(1, amidOthers());
      return delayMs;
    };
    const [first, ...later] = Array.from({ length: 60 }, round);
    expect([first, ...later.slice(0, 3)].every((delayMs) => delayMs! > 0)).toBe(true);
    expect(later.at(-1)).toBe(0);
  });

  it('lets who lacks several look away for a part of the round, and nobody else', () => {
    const now = jest.spyOn(performance, 'now').mockReturnValue(1_000);
    const turns = turnsAfter();
    now.mockReturnValue(1_020);
    for (const process of [1, 2, 3, 4]) turns.saw(process, GRANT);
    turns.won(1, amidOthers());
    expect(turns.restMs()).toBeGreaterThan(0);
    expect(turns.restMs()).toBeLessThanOrEqual(100);
    for (const process of [1, 2, 3]) turns.saw(process, GRANT);
    expect(turns.restMs()).toBe(0);
  });

  it.each([
    ['a round', [1, 2, 3], 1_040],
    ['a good round among many', [1, 2, 3, 4], 1_045],
  ])('takes who has waited for longer than %s for the next', (_title, rivals, until) => {
    const now = jest.spyOn(performance, 'now').mockReturnValue(1_000);
    const turns = turnsAfter();
    now.mockReturnValue(1_020);
    for (const process of rivals) turns.saw(process, GRANT);
    turns.won(1, amidOthers());
    turns.saw(1, GRANT);
    now.mockReturnValue(until);
    expect(turns.delayMs()).toBeGreaterThan(0);
    now.mockReturnValue(until + 0.1);
    expect([turns.delayMs(), turns.restMs()]).toEqual([0, 0]);
  });

  it('lets others come forward now and then where it sees none', () => {
    const now = jest.spyOn(performance, 'now').mockReturnValue(1_000);
    const turns = turnsAfter();
    const again = (at: number): number => {
      now.mockReturnValue(at);
      turns.gaveBack();
      const delayMs = turns.delayMs();
      turns.won(1, amidOthers());
      return delayMs;
    };
    // It could be had by anybody before.
    expect([again(1_001), again(1_199)]).toEqual([0, 0]);
    expect(again(1_200)).toBeGreaterThan(0);
    expect([again(1_201), again(1_399)]).toEqual([0, 0]);
    expect(again(1_400)).toBeGreaterThan(0);
    now.mockReturnValue(1_700);
    turns.won(1, amidOthers());
    expect([again(1_701), again(1_899)]).toEqual([0, 0]);
    expect(again(1_900)).toBeGreaterThan(0);
  });

  it('lets others come forward only once a second while nobody else writes anything', () => {
    const now = jest.spyOn(performance, 'now').mockReturnValue(1_000);
    const turns = turnsAfter();
    const again = (at: number, othersWrote = 0, handedOver = 0): number => {
      now.mockReturnValue(at);
      turns.gaveBack();
      const delayMs = turns.delayMs();
      turns.won(1, (index += 2 + othersWrote));
      for (let i = 0; i < handedOver; i++, index++) turns.handedOver();
      return delayMs;
    };
    again(1_100);
    // Whether anybody tried before it had the lock for the first time is not known.
    expect(again(1_200)).toBeGreaterThan(0);
    expect(Array.from({ length: 9 }, (_, tenth) => again(1_300 + 100 * tenth, 0, 16))).toEqual(
      Array(9).fill(0),
    );
    expect(again(2_199)).toBe(0);
    expect(again(2_200)).toBeGreaterThan(0);
    expect([again(2_210, 1), again(2_399)]).toEqual([0, 0]);
    expect(again(2_400)).toBeGreaterThan(0);
    expect([again(2_600), again(2_800, 1)]).toEqual([0, 0]);
    expect(again(2_801)).toBeGreaterThan(0);
  });

  it('lets others come forward after it has kept the lock for however long', () => {
    const now = jest.spyOn(performance, 'now').mockReturnValue(1_000);
    const turns = turnsAfter();
    now.mockReturnValue(5_000);
    expect(turns.delayMs()).toBe(0);
    turns.gaveBack();
    expect(turns.delayMs()).toBeGreaterThan(0);
    now.mockReturnValue(5_201);
    expect(turns.delayMs()).toBe(0);
  });

  it('waits longer where writes take longer', () => {
    const [quick, slow] = [turnsAfter(1), turnsAfter(1)];
    for (let i = 0; i < 20; i++) {
      quick.saw(1, GRANT);
      quick.won(1, amidOthers());
      slow.saw(1, GRANT);
      slow.won(15, amidOthers());
    }
    expect(slow.delayMs()).toBeGreaterThan(quick.delayMs());
  });
});

describe('what is remembered of the turns', () => {
  it('is kept for each lock of each client', () => {
    const [one, other] = [new FakeConsul(), new FakeConsul()];
    expect(knownTurnsOf(one, 'a')).toBeUndefined();
    const [a, b] = [turnsOf(one, 'a'), turnsOf(one, 'b')];
    expect(new Set([a, b, turnsOf(other, 'a')]).size).toBe(3);
    expect([turnsOf(one, 'b') === b, turnsOf(one, 'a') === a, turnsOf(one, 'b') === b]).toEqual([
      true,
      true,
      true,
    ]);
    expect([knownTurnsOf(one, 'a') === a, knownTurnsOf(one, 'b') === b]).toEqual([true, true]);
  });

  it('is given up for the locks that were not taken for longest, a thousand of which are remembered', () => {
    const client = new FakeConsul();
    turnsOf(client, 'old');
    for (let i = 0; i < 999; i++) turnsOf(client, `lock ${i}`);
    turnsOf(client, 'old');
    turnsOf(client, 'new');
    expect(['old', 'new', 'lock 1'].every((name) => knownTurnsOf(client, name))).toBe(true);
    expect(knownTurnsOf(client, 'lock 0')).toBeUndefined();
  });
});
