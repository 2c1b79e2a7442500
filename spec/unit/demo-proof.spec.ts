import { describe, expect, it } from '@jest/globals';
import { prove, type Evidence, type Hold } from '../../demo/proof.ts';

function hold(terms: Partial<Hold> & Pick<Hold, 'from' | 'until' | 'token'>): Hold {
  return { who: `p${terms.token % 2}`, believedAtStart: true, end: 'left', ...terms };
}

const [first, killed, last] = [
  hold({ from: 10, until: 20, token: 1, read: 0, wrote: 1 }),
  hold({ from: 30, until: 40, token: 2, read: 1, end: 'killed' }),
  hold({ from: 50, until: 60, token: 3, read: 1, wrote: 2 }),
] as const;

const sound: Evidence = { holds: [first, killed, last], counter: 2, leftBehind: [] };

function objections(evidence: Partial<Evidence>): string[] {
  return prove({ ...sound, ...evidence }).flatMap((finding) => finding.objections);
}

describe('prove', () => {
  it('has no objection to a sound history, in whatever order it was written down', () => {
    expect(objections({})).toEqual([]);
    expect(objections({ holds: [last, first, killed] })).toEqual([]);
  });

  it('counts the increment of a holder that was killed between its writing and its telling', () => {
    expect(objections({ holds: [first, killed, { ...last, read: 2, wrote: 3 }], counter: 3 })).toEqual([]);
  });

  it('accepts that a holder noticed its loss, as long as nobody held beside it', () => {
    const lost = hold({ from: 42, until: 48, token: 2.5, end: 'lost' });
    expect(objections({ holds: [first, killed, lost, last] })).toEqual([]);
  });

  it.each<[string, Partial<Evidence>, RegExp]>([
    [
      'two holders at once',
      { holds: [first, killed, { ...last, from: 39.5 }] },
      /p0 \(token 2\) and p1 \(token 3\) both held for 0\.5 ms/,
    ],
    [
      'two holders that are not neighbours',
      { holds: [{ ...first, until: 55 }, killed, last] },
      /p1 \(token 1\) and p1 \(token 3\) both held for 5\.0 ms/,
    ],
    [
      'the same holder twice at once',
      { holds: [first, killed, last, { ...last, token: 4, read: 2, wrote: 3 }], counter: 3 },
      /token 3\) and p1 \(token 4\) both held/,
    ],
    [
      'a holder that never believed',
      { holds: [first, killed, { ...last, believedAtStart: false }] },
      /never believed/,
    ],
    [
      'times that are not times',
      { holds: [first, killed, { ...last, until: Number.NaN }] },
      /before it began/,
    ],
    ['a token that stayed the same', { holds: [first, killed, { ...last, token: 2 }] }, /came after token 2/],
    ['a token that fell', { holds: [first, { ...killed, token: 7 }, last] }, /token 3\) came after token 7/],
    [
      'an increment that was overwritten',
      { holds: [first, killed, { ...last, read: 0, wrote: 1 }], counter: 1 },
      /token 3\) found 0, where 1 had been counted/,
    ],
    ['a wrong sum', { holds: [first, killed, { ...last, wrote: 3 }], counter: 3 }, /wrote 3 after 1/],
    ['an increment that Consul does not have', { counter: 1 }, /Consul has 1, where 2 had been counted/],
    ['an increment that nobody made', { counter: 3 }, /Consul has 3, where 2 had been counted/],
    ['a counter that is gone', { counter: Number.NaN }, /Consul has NaN/],
    ['a lock that stayed with the dead', { holds: [first, killed], counter: 1 }, /nobody held after p0/],
    ['no death', { holds: [first, last] }, /no holder was killed/],
    [
      'a lone holder',
      { holds: sound.holds.map((one) => ({ ...one, who: 'p1' })) },
      /1 holder\(s\) only: nobody contended/,
    ],
    ['what is left', { leftBehind: ['the key k', 'the session s'] }, /the key k is still there/],
  ])('objects to %s', (_what, evidence, complaint) => {
    expect(objections(evidence)).toContainEqual(expect.stringMatching(complaint));
  });

  it('takes no evidence for no proof', () => {
    const findings = prove({ holds: [], counter: 0, leftBehind: [] });
    const standing = findings.filter((finding) => finding.objections.length === 0);
    expect(standing.map(({ claim }) => claim)).toEqual(['nothing is left in Consul']);
  });
});
