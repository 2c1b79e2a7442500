import { describe, expect, it } from '@jest/globals';
import { check } from './checker/check.ts';
import { attempted, called, frame, held, removed } from './checker/sample-history.ts';
import type { Attempt, Fact, FactOf } from './history/facts.ts';

/** The objections against what happened within a run that is in order otherwise. */
function objections(...happened: Fact[][]): string[] {
  return check([...frame(), ...happened.flat()]).violations.map(({ rule, what }) => `${rule}: ${what}`);
}

/** Deprived of its session at 10 500; somebody else has the key from 10 600. */
const DEPRIVED = { id: 'c0.0#1', begun: 10_000, from: 10_010, to: 11_000, token: 5, session: 'taken-away' };
const NEXT = { id: 'c1.0#1', begun: 10_100, from: 10_600, to: 11_400, token: 7 };
const REMOVAL = removed('session', 'taken-away', [10_500, 10_505]);
const WITHOUT_DELAY = held(DEPRIVED);

describe('check', () => {
  it('has no objection to holders one after the other', () => {
    const first = held({ id: 'c0.0#1', begun: 10_000, from: 10_010, to: 10_500, token: 5 });
    const second = held({ id: 'c1.0#1', begun: 10_100, from: 10_501, to: 10_900, token: 7 });
    expect(objections(first, second)).toEqual([]);
  });

  it('has no objection to holders of different keys at one time', () => {
    const first = held({ id: 'c0.0#1', begun: 10_000, from: 10_010, to: 10_500, token: 5 });
    const second = held({ id: 'c1.0#1', begun: 10_000, from: 10_010, to: 10_500, token: 7, keys: ['b'] });
    expect(objections(first, second)).toEqual([]);
  });
});

describe('rule a', () => {
  it('objects to two holders of one key at one moment', () => {
    const first = held({ id: 'c0.0#1', begun: 10_000, from: 10_010, to: 10_502, token: 5 });
    const second = held({ id: 'c1.0#1', begun: 10_100, from: 10_501, to: 10_900, token: 7 });
    expect(objections(first, second)).toEqual([expect.stringContaining('a: two held a for 1.0 ms')]);
  });

  it('objects to two holders that share one of several keys, also within one process', () => {
    const first = held({ id: 'c0.0#1', begun: 10_000, from: 10_010, to: 10_502, token: 5, keys: ['a', 'b'] });
    const second = held({
      id: 'c0.0#2',
      begun: 10_100,
      from: 10_200,
      to: 10_300,
      token: 7,
      keys: ['c', 'b'],
    });
    expect(objections(first, second)).toEqual([expect.stringContaining('a: two held b')]);
  });

  it('objects to a short holder within a long one, with another in between', () => {
    const long = held({ id: 'c0.0#1', begun: 10_000, from: 10_010, to: 12_000, token: 5 });
    const short = held({ id: 'c1.0#1', begun: 10_100, from: 10_200, to: 10_300, token: 7 });
    const late = held({ id: 'c1.0#2', begun: 10_400, from: 11_000, to: 11_500, token: 9 });
    expect(objections(long, short, late)).toHaveLength(2);
  });

  it('objects to a handle that is held again', () => {
    const handle = held({ id: 'c0.0#1', begun: 10_000, from: 10_010, to: 10_500, token: 5 });
    const again = held({ id: 'c0.0#1', begun: 10_000, from: 10_600, to: 10_700, token: 5 }).slice(2);
    expect(objections(handle, again)).toContainEqual('a: c0.0#1 was held again after it was not');
  });

  it('excuses a holder whose session an outsider destroyed, up to its deadline', () => {
    expect(objections(WITHOUT_DELAY, held(NEXT), [REMOVAL])).toEqual([]);
  });

  it('does not excuse it for the time before', () => {
    const early = held({ ...NEXT, from: 10_400 });
    expect(objections(WITHOUT_DELAY, early, [REMOVAL])).toEqual([expect.stringContaining('a: two held')]);
  });

  it('does not excuse it past the last deadline that it can have had', () => {
    const tooLong = held({ ...DEPRIVED, to: 11_520 });
    const next = held({ ...NEXT, to: 11_600 });
    expect(objections(tooLong, next, [REMOVAL])).toEqual([expect.stringContaining('a: two held')]);
  });

  it('does not excuse a holder for what was done to another', () => {
    const other = removed('session', 'of somebody else', [10_500, 10_505]);
    expect(objections(WITHOUT_DELAY, held(NEXT), [other])).toEqual([expect.stringContaining('a: two held')]);
  });

  describe('with a lock delay of the TTL', () => {
    const delayed = held({ ...DEPRIVED, lockDelayMs: 1_000 });

    it('does not excuse the loss of the session', () => {
      const next = held({ ...NEXT, begun: 10_510 });
      expect(objections(delayed, next, [REMOVAL])).toEqual([expect.stringContaining('a: two held')]);
    });

    it('excuses it when there may have been an election', () => {
      const election: Fact = { at: 10_700, before: 10_400, kind: 'election', term: 3 };
      expect(objections(delayed, held(NEXT), [REMOVAL, election])).toEqual([]);
    });

    const taking = (sentAt: number, answeredAt: number): Fact => ({
      kind: 'request',
      asks: 'take',
      contender: 'c1',
      holder: NEXT.id,
      session: `session of ${NEXT.id}`,
      at: answeredAt,
      before: 10_100,
      sentAt,
      answeredAt,
      passedAt: answeredAt,
      status: 200,
    });

    it('excuses a taking that was under way when the session was ended', () => {
      const facts = [...delayed, ...held(NEXT), REMOVAL, taking(10_504, 10_598)];
      expect(objections(facts)).toEqual([]);
      expect(check([...frame(), ...facts]).figures).toMatchObject({ excusedOverlaps: 1, slippedTakings: 1 });
    });

    it('does not excuse one that was sent when that was answered, or answered long after it', () => {
      expect(objections(delayed, held(NEXT), [REMOVAL, taking(10_506, 10_598)])).toHaveLength(1);
      const sinceLong = held({ ...DEPRIVED, lockDelayMs: 2_000, ttlMs: 2_000, to: 12_000 });
      const late = held({ ...NEXT, from: 11_510, to: 11_900 });
      expect(objections(sinceLong, late, [REMOVAL, taking(10_504, 11_504)])).toEqual([]);
      expect(objections(sinceLong, late, [REMOVAL, taking(10_504, 11_506)])).toHaveLength(1);
    });

    it('counts from the attempt when its line saw nothing', () => {
      const quick = held({ ...NEXT, begun: 10_501 });
      expect(objections(delayed, quick, [REMOVAL])).toEqual([]);
      expect(objections(delayed, held({ ...NEXT, begun: 10_506 }), [REMOVAL])).toHaveLength(1);
    });

    it('excuses the removal of the key, which starts no delay', () => {
      expect(objections(delayed, held(NEXT), [removed('key', 'taken-away', [10_500, 10_505])])).toEqual([]);
    });
  });

  describe('after the removal', () => {
    const { id } = DEPRIVED;

    it.each(['verify', 'release'] as const)('objects to a %s that says true', (call) => {
      const lie = called(id, call, [10_510, 10_520], { value: true });
      expect(objections(WITHOUT_DELAY, [REMOVAL], lie)).toEqual([expect.stringContaining(`told by ${call}`)]);
    });

    it('has no objection to a release that says true of a key that is gone, while its line was broken', () => {
      const keyGone = removed('key', 'taken-away', [10_500, 10_505]);
      const lie = called(id, 'release', [10_510, 10_520], { value: true });
      const fault: Fact = { kind: 'fault', at: 10_400, number: 1, fault: 'lose', target: 'c0', detail: '' };
      const healed: Fact = { kind: 'healed', at: 10_515, number: 1 };
      expect(objections(WITHOUT_DELAY, [keyGone], lie)).toHaveLength(1);
      expect(objections(WITHOUT_DELAY, [keyGone, fault, healed], lie)).toEqual([]);
      expect(objections(WITHOUT_DELAY, [REMOVAL, fault, healed], lie)).toHaveLength(1);
    });

    it('has no objection to the truth, or to an answer to what was asked before', () => {
      const before = called(id, 'verify', [10_400, 10_520], { value: true });
      const after = called(id, 'verify', [10_510, 10_521], { value: false });
      expect(objections(WITHOUT_DELAY, [REMOVAL], before, after)).toEqual([]);
    });

    it('objects to a transaction', () => {
      const write = called(id, 'transaction', [10_510, 10_520], { registers: [] });
      expect(objections(WITHOUT_DELAY, [REMOVAL], write)).toEqual([
        expect.stringContaining('made a transaction'),
      ]);
    });

    const longHeld = held({ ...DEPRIVED, ttlMs: 3_000, to: 11_600 });
    const watched: Fact = { at: 10_020, process: 'c0.0', kind: 'watched', id };

    it('objects to a holder that read `signal` and does not learn of it within a second', () => {
      expect(objections(longHeld, [watched, REMOVAL])).toEqual([
        expect.stringContaining('did not learn of it'),
      ]);
    });

    it('has no objection when it did not read `signal`, when its line was in trouble, or when it was stopped', () => {
      const trouble: Fact[] = [
        { at: 10_900, kind: 'fault', number: 99, fault: 'freeze', target: 'c0', detail: '' },
        { at: 10_950, kind: 'healed', number: 99 },
      ];
      const stopped: Fact[] = [
        { at: 10_600, kind: 'stopped', process: 'c0.0' },
        { at: 11_000, kind: 'continued', process: 'c0.0' },
      ];
      expect(objections(longHeld, [REMOVAL])).toEqual([]);
      expect(objections(longHeld, [watched, REMOVAL], trouble)).toEqual([]);
      expect(objections(longHeld, [watched, REMOVAL], stopped)).toEqual([]);
    });
  });
});

describe('rule b', () => {
  const first = held({ id: 'c0.0#1', begun: 10_000, from: 10_010, to: 10_500, token: 7 });

  it.each([6, 7])('objects to a token of %d after one of 7', (token) => {
    const second = held({ id: 'c1.0#1', begun: 11_000, from: 11_010, to: 11_500, token });
    expect(objections(first, second)).toEqual([expect.stringContaining('b: c1.0#1 got token')]);
  });

  it('has no objection when the attempts overlap, or when the keys differ', () => {
    const together = held({ id: 'c1.0#1', begun: 10_005, from: 11_010, to: 11_500, token: 6 });
    const elsewhere = held({ id: 'c1.0#2', begun: 11_005, from: 11_010, to: 11_500, token: 6, keys: ['b'] });
    expect(objections(first, together, elsewhere)).toEqual([]);
  });

  it('counts the token of a rewriting', () => {
    const rewritten = held({ id: 'c0.0#1', begun: 10_000, from: 10_010, to: 10_500, token: 9 }).slice(3);
    const second = held({ id: 'c1.0#1', begun: 11_000, from: 11_010, to: 11_500, token: 8 });
    expect(objections(first, rewritten, second)).toEqual([expect.stringContaining('b: c1.0#1 got token 8')]);
  });
});

describe('rule b, of deadlines', () => {
  const session = 'session of c0.0#1';
  const handle = held({ id: 'c0.0#1', begun: 10_000, from: 10_010, to: 10_500, token: 7 });
  const started = (asks: 'create' | 'renew', before: number, passedAt: number | undefined): Fact => ({
    kind: 'request',
    asks,
    contender: 'c0',
    at: before + 9,
    before,
    session,
    sentAt: before,
    answeredAt: passedAt,
    status: 200,
    passedAt,
  });
  // The last look is at 10 500, and says that 500 ms of 1 000 are left.
  const inTime = started('create', 10_000, 10_005);
  const early = started('create', 9_998, 10_005);

  it('objects to a deadline later than a TTL after its request came by', () => {
    expect(objections(handle, [inTime])).toEqual([]);
    expect(objections(handle, [early])).toEqual([
      expect.stringContaining('b: c0.0#1 was told to have 500 ms left, 2.0 ms more'),
    ]);
  });

  it('counts the renewals that were answered by then', () => {
    expect(objections(handle, [early, started('renew', 10_400, 10_450)])).toEqual([]);
    expect(objections(handle, [early, started('renew', 10_400, 10_501)])).toHaveLength(1);
    expect(objections(handle, [early, started('renew', 10_400, undefined)])).toHaveLength(1);
  });
});

describe('rule c', () => {
  const attempt = attempted('c0.0#1', 10_000);
  const refused = (at: number): Fact => ({ at, process: 'c0.0', kind: 'refused', id: 'c0.0#1' });

  it('objects to an acquisition that settles half a second after its limit', () => {
    expect(objections([attempt, refused(14_001)])).toContainEqual(
      expect.stringMatching(/^c: acquire of c0.0#1/),
    );
    expect(objections([attempt, refused(14_000)])).not.toContainEqual(expect.stringMatching(/^c:/));
  });

  const killed = (at: number): Fact => ({ at, kind: 'exited', process: 'c0.0', asked: true, how: 'SIGKILL' });

  it('objects to one that never settles, if its process lived so long', () => {
    expect(objections([attempt])).toContainEqual(expect.stringContaining('had not settled'));
    expect(objections([attempt, killed(15_000)])).toContainEqual(expect.stringContaining('had not settled'));
    expect(objections([attempt, killed(13_000)])).not.toContainEqual(expect.stringMatching(/^c:/));
  });

  it('does not count the time in which the process was stopped or blocked, and counts no time twice', () => {
    const idle: Fact[] = [
      { at: 11_000, kind: 'stopped', process: 'c0.0' },
      { at: 12_000, kind: 'continued', process: 'c0.0' },
      { at: 12_010, before: 10_990, process: 'c0.0', kind: 'blocked' },
      { at: 13_100, before: 13_000, process: 'c0.0', kind: 'blocked' },
      { at: 14_000, before: 13_500, process: 'c1.0', kind: 'blocked' },
    ];
    expect(objections([attempt, refused(15_120), ...idle])).not.toContainEqual(expect.stringMatching(/^c:/));
    expect(objections([attempt, refused(15_121), ...idle])).toContainEqual(expect.stringMatching(/^c:/));
  });

  it('does not count the time in which the process blocked itself until it was killed', () => {
    const blocks: Fact = { at: 13_000, process: 'c0.0', kind: 'blocks', forMs: 2_000 };
    expect(objections([attempt, blocks, killed(14_900)])).not.toContainEqual(expect.stringMatching(/^c:/));
    expect(objections([attempt, blocks, killed(16_600)])).toContainEqual(
      expect.stringContaining('had not settled 1100 ms after'),
    );
  });

  it('objects to a call of a handle that is late', () => {
    const handle = held({ id: 'c0.0#1', begun: 10_000, from: 10_010, to: 10_500, token: 7 });
    const late = called('c0.0#1', 'release', [10_500, 13_501], { value: true });
    expect(objections(handle, late)).toEqual([expect.stringContaining('c: release of c0.0#1')]);
  });
});

describe('rule d', () => {
  const without = (kind: Fact['kind']): Fact[] => frame().filter((fact) => fact.kind !== kind);
  const acquired = held({ id: 'c0.0#1', begun: 10_000, from: 10_010, to: 10_500, token: 7 });
  const judged = (facts: Fact[]): string[] =>
    check([...facts, ...acquired]).violations.map(({ rule, what }) => `${rule}: ${what}`);
  const retaken = { kind: 'retaken', key: 'a', limitMs: 6_500 } as const;

  it('objects to a key that is free too late, and to one that cannot be taken', () => {
    const frameWithout = without('retaken');
    expect(judged([...frameWithout, { ...retaken, at: 56_501 }])).toEqual([
      expect.stringMatching(/^d: a was taken/),
    ]);
    expect(judged([...frameWithout, { ...retaken, at: 51_000, error: 'held' }])).toEqual([
      'd: a could not be taken again: held',
    ]);
  });

  it('counts from an election after the healing', () => {
    const election: Fact = { at: 52_000, before: 51_900, kind: 'election', term: 9 };
    expect(judged([...without('retaken'), { ...retaken, at: 56_501 }, election])).toEqual([]);
  });

  it('objects to keys and sessions that are left', () => {
    const left: Fact = { at: 50_200, kind: 'left', keys: ['locks/run/a'], sessions: ['one'] };
    expect(judged([...without('left'), left])).toEqual([
      'd: key locks/run/a is left',
      'd: session one is left',
    ]);
  });

  it.each(['healthy', 'left'] as const)('objects when the aftermath lacks %s', (kind) => {
    expect(judged(without(kind))).toEqual(['d: nobody looked at the aftermath']);
  });
});

describe('rule d, while the run goes on', () => {
  const seen = (before: number, holder: string): Fact => ({
    at: before + 5,
    before,
    kind: 'key-seen',
    key: 'locks/run/a',
    holder,
    session: `session of ${holder}`,
  });
  const released = [
    ...held({ id: 'c0.0#1', begun: 10_000, from: 10_010, to: 10_500, token: 7 }),
    ...called('c0.0#1', 'release', [10_500, 10_600], { value: true }),
  ];
  const cancelled: Fact[] = [
    attempted('c0.0#2', 10_000),
    { at: 10_600, process: 'c0.0', kind: 'rejected', id: 'c0.0#2', code: 'TimeoutError', message: '' },
  ];

  const asked = (before: number, status: number | undefined, session = 'session of c0.0#2'): Fact => ({
    kind: 'request',
    asks: 'destroy',
    contender: 'c0',
    at: before + 5,
    before,
    session,
    status,
    sentAt: before,
    answeredAt: before + 4,
    passedAt: undefined,
  });
  const ended = asked(10_590, undefined);

  it.each([
    ['a handle that was given back', 'c0.0#1', 10_850],
    ['an attempt that was cancelled', 'c0.0#2', 10_850],
  ])('objects to a key of %s, by a session that nobody is about to end', (_what, holder, limit) => {
    expect(objections(released, cancelled, [seen(limit + 1, holder)])).toEqual([
      expect.stringMatching(`d: locks/run/a is held by ${holder}.* nobody asked for the end of that`),
    ]);
    expect(objections(released, cancelled, [seen(limit - 1, holder)])).toEqual([]);
  });

  it('has no objection for a while when the end of the session was asked for without an answer', () => {
    expect(objections(released, cancelled, [ended, seen(13_090, 'c0.0#2')])).toEqual([]);
    expect(objections(released, cancelled, [ended, seen(13_101, 'c0.0#2')])).toEqual([
      expect.stringContaining('the end of that was last asked for 2511 ms ago'),
    ]);
    const election: Fact = { at: 11_000, before: 10_900, kind: 'election', term: 3 };
    expect(objections(released, cancelled, [ended, seen(13_101, 'c0.0#2'), election])).toEqual([]);
  });

  it('knows what was asked for last, in whatever order that was answered', () => {
    const [first, second] = [
      { ...ended, at: 13_000, answeredAt: 12_999 },
      { ...asked(12_000, undefined), at: 12_900 },
    ];
    const stopped: Fact = {
      at: 11_000,
      kind: 'fault',
      number: 99,
      fault: 'leader-stop',
      target: 'server-1',
      detail: '',
    };
    const facts = [stopped, second, seen(13_101, 'c0.0#2')];
    expect(objections(released, cancelled, facts)).toEqual([]);
    expect(objections(released, cancelled, [...facts, first])).toEqual([]);
  });

  it('objects at once when the session was ended for sure', () => {
    expect(objections(released, cancelled, [asked(10_590, 200), seen(10_601, 'c0.0#2')])).toEqual([
      expect.stringContaining('it was ended, and holds on'),
    ]);
  });

  it('objects to a taking that lands when all is over', () => {
    const landing = (sentAt: number): Fact => ({
      kind: 'request',
      asks: 'take',
      contender: 'c0',
      at: sentAt + 5,
      before: 10_200,
      sentAt,
      session: 'session of c0.0#2',
      holder: 'c0.0#2',
      status: 200,
      answeredAt: sentAt + 4,
      passedAt: sentAt + 4,
    });
    expect(objections(released, cancelled, [landing(11_000)])).toEqual([
      expect.stringContaining('d: a is held by c0.0#2'),
    ]);
    expect(objections(released, cancelled, [landing(10_500)])).toEqual([]);
    expect(objections(released, cancelled, [landing(11_000), ended])).toEqual([]);
  });

  it('objects when the session of a taking that was never answered is not ended', () => {
    const taking = (passedAt: number | undefined): Fact => ({
      kind: 'request',
      asks: 'take',
      contender: 'c0',
      at: 10_505,
      before: 10_200,
      sentAt: 10_500,
      session: 'session of c0.0#2',
      holder: 'c0.0#2',
      status: 409,
      answeredAt: 10_504,
      passedAt,
    });
    expect(objections(released, cancelled, [taking(undefined)])).toEqual([
      expect.stringContaining('d: a may come to be held by c0.0#2'),
    ]);
    expect(objections(released, cancelled, [taking(10_504)])).toEqual([]);
    expect(objections(released, cancelled, [taking(undefined), ended])).toEqual([]);
  });

  it('objects when a session serves another holder although a taking by it was not answered', () => {
    const session = 'shared';
    const taking = (id: string, before: number, passedAt: number | undefined): Fact => ({
      kind: 'request',
      asks: 'take',
      contender: 'c0',
      at: before + 5,
      before,
      sentAt: before,
      session,
      holder: id,
      status: 200,
      answeredAt: before + 4,
      passedAt,
    });
    const next = (id: string, attempt: Partial<Attempt> = {}): Fact[] =>
      held({ id, begun: 12_000, from: 12_050, to: 12_500, token: 9, session, ...attempt });
    const doubted = [taking('c0.0#1', 10_001, undefined), taking('c0.0#1', 10_005, 10_009)];
    const again = [taking('c0.0#2', 12_010, 12_014)];
    expect(objections(next('c0.0#2'), doubted, again)).toEqual([
      expect.stringMatching(/^d: session shared took keys for c0.0#2 2009 ms after .* for c0.0#1/),
    ]);
    expect(objections(next('c0.0#2'), [taking('c0.0#1', 10_001, 10_009)], again)).toEqual([]);
    expect(objections(next('c0.0#1'), doubted)).toEqual([]);
    expect(objections(next('c0.0#2', { adopted: true }), doubted, again)).toEqual([]);
  });

  it('has no objection when the line let nothing through, or the process had been killed or stopped', () => {
    const trouble: Fact[] = [
      { at: 10_500, kind: 'fault', number: 99, fault: 'refuse', target: 'c0', detail: '' },
      { at: 10_700, kind: 'healed', number: 99 },
    ];
    const turnedAway: Fact = { at: 10_650, before: 10_640, kind: 'turned-away', contender: 'c0' };
    const killed: Fact = { at: 10_700, kind: 'exited', process: 'c0.0', asked: true, how: 'SIGKILL' };
    const stopped: Fact = { at: 10_610, kind: 'stopped', process: 'c0.0' };
    const continued: Fact = { at: 11_000, kind: 'continued', process: 'c0.0' };
    const late = seen(11_001, 'c0.0#2');
    for (const excuse of [trouble, [turnedAway], [killed], [stopped, continued]])
      expect(objections(released, cancelled, [late], excuse)).toEqual([]);
    expect(objections(released, cancelled, [seen(12_700, 'c0.0#2')], trouble)).toHaveLength(1);
  });

  it('objects to what has a lock delay when Consul could be reached for long', () => {
    const delayed = cancelled.map((fact) =>
      fact.kind === 'attempt' ? { ...fact, lockDelayMs: 1_000 } : fact,
    );
    expect(objections(released, delayed, [seen(13_099, 'c0.0#2')])).toEqual([]);
    expect(objections(released, delayed, [seen(13_101, 'c0.0#2')])).toEqual([
      expect.stringContaining('although Consul could be reached'),
    ]);
  });
});

describe('sessions at the end', () => {
  const made: FactOf<'request'> = {
    kind: 'request',
    asks: 'create',
    contender: 'c0',
    at: 40_010,
    before: 40_000,
    session: 'one',
    sentAt: 40_000,
    answeredAt: 40_005,
    status: 200,
    passedAt: 40_005,
  };
  const acquired = held({ id: 'c0.0#1', begun: 10_000, from: 10_010, to: 10_500, token: 7 });
  const exited = (how: string): Fact => ({ kind: 'exited', at: 49_000, process: 'c0.0', asked: true, how });
  const withSession = frame().map((fact) =>
    fact.kind === 'healthy' ? { ...fact, sessions: ['one'] } : fact,
  );
  const judged = (...facts: Fact[]): readonly string[] =>
    check([...withSession, ...acquired, ...facts]).figures.unended;

  it('counts a session that its contender knew and did not ask to end', () => {
    expect(judged(made, exited('0'))).toEqual(['one']);
  });

  it('does not count that of a handle that was forgotten', () => {
    const forgotten = held({
      id: 'c0.0#2',
      begun: 40_100,
      from: 40_110,
      to: 40_500,
      token: 9,
      session: 'one',
    });
    expect(judged(made, exited('0'), ...forgotten)).toEqual([]);
  });

  it('does not count it when it was killed, asked for the end, or was never answered', () => {
    expect(judged(made, exited('SIGKILL'))).toEqual([]);
    expect(judged({ ...made, passedAt: undefined }, exited('0'))).toEqual([]);
    expect(judged(made, { ...made, asks: 'destroy', status: undefined }, exited('0'))).toEqual([]);
  });
});

describe('rule e', () => {
  const acquired = held({ id: 'c0.0#1', begun: 10_000, from: 10_010, to: 10_500, token: 7 });

  it('objects to an unhandled rejection', () => {
    const unhandled: Fact = { at: 10_400, process: 'c0.0', kind: 'unhandled', what: 'oh' };
    expect(objections(acquired, [unhandled])).toEqual(['e: c0.0: oh']);
  });

  it('objects to a process that ends by itself, and not to one that was killed', () => {
    const exited = (asked: boolean): Fact => ({
      at: 20_000,
      kind: 'exited',
      process: 'c0.0',
      asked,
      how: '1',
    });
    expect(objections(acquired, [exited(false)])).toEqual(['e: c0.0 ended with 1']);
    expect(objections(acquired, [exited(true)])).toEqual([]);
  });

  it.each(['TypeError', 'LOCK_CONFLICT', 'CONSUL_REJECTED'])(
    'objects to an acquisition that rejects with %s',
    (code) => {
      const rejected: Fact = {
        at: 10_100,
        process: 'c1.0',
        kind: 'rejected',
        id: 'c1.0#1',
        code,
        message: 'no',
      };
      expect(objections(acquired, [attempted('c1.0#1', 10_000), rejected])).toEqual([
        `e: c1.0#1: ${code}: no`,
      ]);
    },
  );

  it('objects to a call that rejects with what is not in the contract', () => {
    const failed = called('c0.0#1', 'renew', [10_100, 10_110], { code: 'ECONNRESET', message: 'no' });
    expect(objections(acquired, failed)).toEqual(['e: renew of c0.0#1: ECONNRESET: no']);
  });

  it('lets a rewriting be refused by a lock delay that a server counts anew, and by nothing else', () => {
    const refused = (message: string): Fact[] =>
      called('c0.0#1', 'transaction', [10_100, 10_110], { code: 'CONSUL_REJECTED', message });
    const delayed = 'operations[2] (set): failed to lock key "locks/run/a" due to lock delay';
    expect(objections(acquired, refused(delayed))).toEqual([]);
    for (const message of [
      'rewritten',
      'operations[2] (set): failed to lock key "a", lock is already held',
    ]) {
      expect(objections(acquired, refused(message))).toEqual([
        `e: transaction of c0.0#1: CONSUL_REJECTED: ${message}`,
      ]);
    }
  });
});

describe('rule f', () => {
  const first = held({ id: 'c0.0#1', begun: 10_000, from: 10_010, to: 10_500, token: 5 });
  const second = held({ id: 'c1.0#1', begun: 10_100, from: 10_600, to: 10_900, token: 8 });
  const write = (index: number): Fact[] =>
    called('c0.0#1', 'transaction', [10_100, 10_200], {
      registers: [{ key: 'registers/run/a', token: 5, id: 'c0.0#1', index }],
    });

  it('objects to a write that lands after the token of a later holder', () => {
    expect(objections(first, second, write(9))).toEqual([
      expect.stringContaining('f: c0.0#1 wrote registers/run/a at 9'),
    ]);
    expect(objections(first, second, write(7))).toEqual([]);
  });

  it('finds a write without an answer in what the next one read, and in what stands at the end', () => {
    const registers = [{ key: 'registers/run/a', token: 5, id: 'c0.0#1', index: 9 }];
    const read = called('c1.0#1', 'transaction', [10_700, 10_710], { registers });
    expect(objections(first, second, read)).toEqual([expect.stringMatching(/^f:/)]);
    expect(objections(first, second, [{ at: 50_150, kind: 'registers', registers }])).toEqual([
      expect.stringMatching(/^f:/),
    ]);
  });
});

describe('the laboratory', () => {
  const acquired = held({ id: 'c0.0#1', begun: 10_000, from: 10_010, to: 10_500, token: 7 });

  it('is objected to when it had trouble, lacked a kind of fault, or saw nobody hold a lock', () => {
    const trouble: Fact = { at: 10_000, kind: 'trouble', what: 'no quorum' };
    expect(objections(acquired, [trouble])).toEqual(['lab: no quorum']);
    const withoutLate = frame().filter((fact) => fact.kind !== 'fault' || fact.fault !== 'late');
    expect(check([...withoutLate, ...acquired]).violations).toMatchObject([{ what: 'there was no late' }]);
    expect(objections()).toEqual(['lab: nobody acquired a lock']);
  });
});
