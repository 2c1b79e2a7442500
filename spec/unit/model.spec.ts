import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { objectionsTo } from '../../model/judge.ts';
import { readPanReport, type PanReport } from '../../model/pan-report.ts';
import { PROPERTIES, SEARCHES } from '../../model/searches.ts';
import { storyIn } from '../../model/story.ts';
import { tableOf, verdictOn } from '../../model/table.ts';
import { findTools } from '../../model/tools.ts';
import { projectFolder } from '../support/consul-server/project-folder.ts';

// Printed by the verifier that spin 6.5.2 makes, shortened.
const HEAD = `
(Spin Version 6.5.2 -- 6 December 2019)
`;
const SETTINGS = `
Full statespace search for:
	never claim         	- (none specified)
	assertion violations	+
	cycle checks       	- (disabled by -DSAFETY)
	invalid end states	+
`;
const FIGURES = `
  2767058 states, stored
 25157943 states, matched
 27925001 transitions (= stored+matched)
hash conflicts:   1309046 (resolved)

Stats on memory usage (in Megabytes):
  548.885	equivalent memory usage for states (stored*(State-vector + overhead))
  128.000	memory used for hash table (-w24)
  678.030	total actual memory usage
`;
const UNREACHED = `
unreached in proctype straggler
	lock.pml:331, state 716, "-end-"
	(1 of 716 states)
unreached in proctype contending
	lock.pml:682, state 1438, "printf('%c hands over too old a session\\n',(65+i))"
	lock.pml:714, state 2234, "-end-"
	(2 of 2234 states)
unreached in init
	(0 of 34 states)

pan: elapsed time 9.93 seconds
pan: rate 278656.39 states/second
`;
const COMPLETE = `Depth=  472183 States=    1e+06 Transitions= 8.47e+06 Memory=   358.620	t=     3.01 R=   3e+05
${HEAD}${SETTINGS}
State-vector 188 byte, depth reached 472183, errors: 0
${FIGURES}
${UNREACHED}`;
const VIOLATION = `Depth=      60 States= 2.67e+05 Transitions= 5.07e+05 Memory=   196.945	t=     0.35 R=   8e+05
pan:1: assertion violated fencing (at depth 61)
pan: wrote lock.pml.trail
${HEAD}Warning: Search not completed
	+ Breadth-First Search
${SETTINGS}
State-vector 188 byte, depth reached 64, errors: 1
${FIGURES}
pan: elapsed time 0 seconds
`;
const OUT_OF_MEMORY = `pan: reached -DMEMLIM bound
	1.46801e+09 bytes used
hint: to reduce memory, recompile with
  -DCOLLAPSE # good, fast compression, or
${HEAD}Warning: Search not completed
${SETTINGS}
State-vector 188 byte, depth reached 62, errors: 0
${FIGURES}`;

function report(changes: Partial<PanReport> = {}): PanReport {
  return { ...readPanReport(COMPLETE), unreached: [], ...changes };
}

describe('readPanReport', () => {
  it('reads a search of all states', () => {
    expect(readPanReport(COMPLETE)).toEqual({
      violated: undefined,
      truncatedBy: undefined,
      states: 2_767_058,
      depth: 472_183,
      seconds: 9.93,
      megabytes: 678.03,
      statements: 2_984,
      unreached: [{ line: 682, statement: String.raw`printf('%c hands over too old a session\n',(65+i))` }],
    });
  });

  it('reads which property was violated, and at what depth', () => {
    expect(readPanReport(VIOLATION)).toMatchObject({
      violated: 'fencing',
      truncatedBy: undefined,
      depth: 61,
      seconds: 0,
    });
  });

  it.each(['assertion violated - invalid array index', 'invalid end state'])(
    'takes %s for no property',
    (said) => {
      const { violated } = readPanReport(VIOLATION.replace('assertion violated fencing', said));
      expect(violated).toBeDefined();
      expect(PROPERTIES).not.toContain(violated);
    },
  );

  it('takes errors without words for an error', () => {
    expect(readPanReport(COMPLETE.replace('errors: 0', 'errors: 1')).violated).toBe('an error');
  });

  it.each([
    ['the depth', `error: max search depth too small\n${COMPLETE}`, 'max search depth too small'],
    ['the memory', OUT_OF_MEMORY, 'reached -DMEMLIM bound'],
    [
      'something else',
      COMPLETE.replace(SETTINGS, `Warning: Search not completed\n${SETTINGS}`),
      'search not completed',
    ],
    ['its kind', COMPLETE.replace('Full statespace', 'Bit statespace'), 'no full search'],
    ['its end', COMPLETE.slice(0, COMPLETE.indexOf('State-vector')), 'no result'],
    ['a crash', '', 'no full search'],
  ])('says that a search was cut short by %s', (_, output, truncatedBy) => {
    expect(readPanReport(output)).toMatchObject({ violated: undefined, truncatedBy });
  });

  it('has no figures where there are none', () => {
    const { states, depth, seconds, megabytes } = readPanReport('');
    expect([states, depth, seconds, megabytes]).toEqual([NaN, NaN, NaN, NaN]);
  });
});

describe('objectionsTo', () => {
  const protocol = { title: 'the protocol', defines: [] };
  const variant = { title: 'a variant', defines: ['A'], violates: 'fencing' } as const;
  const unreached = [{ line: 7, statement: 'skip' }];

  it('finds nothing wrong with what was expected', () => {
    expect(objectionsTo(protocol, report({ unreached }))).toEqual([]);
    expect(objectionsTo(variant, report({ violated: 'fencing', unreached }))).toEqual([]);
  });

  it.each([
    ['a violation', protocol, { violated: 'fencing' }, 'fencing is violated'],
    [
      'none in a variant',
      variant,
      {},
      'fencing is not violated: the model does not see what is missing here',
    ],
    ['one of another property', variant, { violated: 'keyIsKept' }, 'keyIsKept is violated, and not fencing'],
    ['an error of the model', variant, { violated: 'an error' }, 'an error is violated, and not fencing'],
    ['a search cut short', protocol, { truncatedBy: 'x' }, 'not all states were searched: x'],
    ['the same of a variant', variant, { truncatedBy: 'x' }, 'not all states were searched: x'],
    [
      'what is not reached',
      { ...protocol, reachesAll: true },
      { unreached },
      'line 7 is never reached: skip',
    ],
  ])('objects to %s', (_, search, changes, objection) => {
    expect(objectionsTo(search, report(changes))).toEqual([objection]);
  });
});

describe('storyIn', () => {
  it('is what the model tells, without what spin adds', () => {
    const printed =
      'B makes a session\na tick\nspin: lock.pml:407, Error: assertion violated\n#processes: 12\n';
    expect(storyIn(printed)).toEqual(['B makes a session', 'a tick']);
    expect(storyIn('a tick\n')).toEqual(['a tick']);
  });
});

describe('the report', () => {
  const protocol = {
    search: { title: 'the protocol', defines: [], reachesAll: true },
    report: report(),
    objections: [],
  };
  const variant = {
    search: { title: 'a variant', defines: [], violates: 'fencing' as const },
    report: report({ violated: 'fencing', states: 942, depth: 61 }),
    objections: [],
  };

  it('has a line for each search', () => {
    const [head, ...lines] = tableOf([protocol, variant]).split('\n');
    expect(head).toMatch(/^ +expected +found +states +depth +MB +s$/);
    expect(lines).toEqual([
      expect.stringMatching(
        /^the protocol +nothing violated +nothing violated +as expected +2,767,058 +472,183 +678 +9\.9$/,
      ),
      expect.stringMatching(/^a variant +fencing violated +fencing violated +as expected +942 +61 /),
    ]);
  });

  it('says what is wrong, and what there is no figure for', () => {
    const cut = { ...readPanReport(''), truncatedBy: 'took longer than 1 s' };
    expect(tableOf([{ ...variant, report: cut, objections: ['x'] }])).toMatch(
      /a variant +fencing violated +took longer than 1 s +WRONG +– +– +– +–$/,
    );
  });

  it('ends with a verdict', () => {
    expect(verdictOn([protocol, variant])).toBe(
      '2 searches, 2,768,000 states in all: all as expected. Each of the 2,984 statements of the model was reached.',
    );
    const wrong = { ...variant, objections: ['x'] };
    expect(verdictOn([protocol, wrong])).toBe('2 searches, 2,768,000 states in all: 1 is not as expected.');
    expect(verdictOn([wrong, wrong])).toMatch(/: 2 are not as expected\.$/);
  });
});

describe('the searches', () => {
  const model = readFileSync(join(projectFolder(), 'model/lock.pml'), 'utf8');
  const asked = new Set(
    Array.from(model.matchAll(/\bdefined\((\w+)\)|^#ifndef (\w+)/gm), ([, one, other]) => one ?? other),
  );
  const given = new Set(SEARCHES.flatMap(({ defines }) => defines.map((define) => define.split('=')[0])));

  it('define what the model asks for, and all of it', () => {
    expect(given).toEqual(asked);
  });

  it.each(PROPERTIES)('see %s violated, which the model asserts', (property) => {
    expect(model).toContain(`assert(${property})`);
    expect(SEARCHES.map(({ violates }) => violates)).toContain(property);
  });

  it('begin with the whole protocol, all of it reached', () => {
    expect(SEARCHES[0]).toMatchObject({ defines: [], reachesAll: true });
    expect(SEARCHES[0]).not.toHaveProperty('violates');
  });

  it('name files of lib/ that there are', () => {
    const named = new Set(model.match(/\b[a-z-]+\.ts\b/g));
    expect(named.size).toBeGreaterThan(10);
    for (const file of named) expect(() => readFileSync(join(projectFolder(), 'lib', file))).not.toThrow();
  });
});

describe('findTools', () => {
  it('says all that is missing, and how to get it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'consul-lock-spec-'));
    try {
      const failure = findTools({ env: { PATH: folder }, folder });
      await expect(failure).rejects.toThrow(/A C compiler is missing.*apt-get install gcc/);
      await expect(failure).rejects.toThrow(/spin is missing.*no apt-get on the PATH.*apt-get install spin/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
