import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parseSync } from '@swc/core';
import { projectFolder } from '../support/consul-server/project-folder.ts';
import { readProjectFile } from '../support/readme-samples.ts';

/** A claim, assumption, rule or weak place, with the specs that are named below it. */
interface Statement {
  readonly number: string;
  readonly specs: readonly Reference[];
}

interface Reference {
  readonly file: string;
  readonly title: string;
}

const DEFINITION = /^(?:- )?\*\*([ACRW]\d+)\b/;
const REFERENCE = /^- `(spec\/[^`]+)` › (.+)$/;

function statementsOf(document: string): Statement[] {
  const statements: { number: string; specs: Reference[] }[] = [];
  for (const line of document.split('\n')) {
    const [, number] = DEFINITION.exec(line) ?? [];
    const [, file, title] = REFERENCE.exec(line) ?? [];
    if (number !== undefined) statements.push({ number, specs: [] });
    else if (file !== undefined && title !== undefined) statements.at(-1)?.specs.push({ file, title });
  }
  return statements;
}

/** As they stand in the source, `%s` and all; those that are skipped are none. */
function titlesOf(source: string): string[] {
  const titles: string[] = [];
  visit(parseSync(source, { syntax: 'typescript' }), (node) => {
    if (node['type'] !== 'CallExpression' || !isIt(node['callee'])) return;
    const [first] = node['arguments'] as readonly { readonly expression: Node }[];
    const { type, value } = first?.expression ?? {};
    if (type === 'StringLiteral' && typeof value === 'string') titles.push(value);
  });
  return titles;
}

type Node = Readonly<Record<string, unknown>>;

function visit(node: unknown, look: (node: Node) => void): void {
  if (typeof node !== 'object' || node === null) return;
  if (!Array.isArray(node)) look(node as Node);
  for (const child of Object.values(node)) visit(child, look);
}

/** `it` itself, or what `it.each` gives. */
function isIt(callee: unknown): boolean {
  const { type, value, callee: maker } = callee as Node;
  if (type === 'Identifier') return value === 'it';
  if (type !== 'CallExpression') return false;
  const { type: made, object, property } = maker as Node;
  return made === 'MemberExpression' && isIt(object) && (property as Node)['value'] === 'each';
}

const titles = new Map<string, readonly string[]>();

function titlesIn(file: string): readonly string[] {
  const known = titles.get(file) ?? titlesOf(readProjectFile(file));
  titles.set(file, known);
  return known;
}

/** What is wrong with the document; nothing, if all is well. */
function complaints(document: string): string[] {
  const statements = statementsOf(document);
  const numbers = statements.map(({ number }) => number);
  const inOrder = ['A', 'C', 'R', 'W'].flatMap((letter) =>
    numbers
      .filter((number) => number.startsWith(letter))
      .map((number, index) => [number, letter + (index + 1)]),
  );
  const referred = [...document.matchAll(/\b[ACRW]\d+\b/g)].map(([number]) => number);
  const files = [...document.matchAll(/`((?:lib|spec)\/[\w/.-]+\.ts)`/g)].map(([, file = '']) => file);
  return [
    ...inOrder.filter(([is, due]) => is !== due).map(([is, due]) => `${is} stands where ${due} is due`),
    ...referred.filter((number) => !numbers.includes(number)).map((number) => `${number} is not stated`),
    ...statements
      .filter(({ number, specs }) => number.startsWith('C') && specs.length === 0)
      .map(({ number }) => `${number} names no spec`),
    ...files.filter((file) => !existsSync(join(projectFolder(), file))).map((file) => `there is no ${file}`),
    ...statements.flatMap(({ specs }) => specs.flatMap(untrue)),
  ];
}

function untrue({ file, title }: Reference): string[] {
  if (!existsSync(join(projectFolder(), file))) return [];
  const found = titlesIn(file).filter((other) => other === title).length;
  return found === 1 ? [] : [`${file} has ${found} specs called: ${title}`];
}

const safety = readProjectFile('docs/safety.md');

describe('docs/safety.md', () => {
  it('has fewer than 250 lines', () => {
    expect(safety.split('\n').length).toBeLessThan(250);
  });

  it('names a spec for every claim, each of which exists; and every number leads somewhere', () => {
    expect(complaints(safety)).toEqual([]);
  });

  it('states claims, assumptions, rules and weak places, and takes each line that looks like a spec for one', () => {
    const statements = statementsOf(safety);
    const letters = statements.map(({ number }) => number.charAt(0));
    expect([...new Set(letters)].toSorted()).toEqual(['A', 'C', 'R', 'W']);
    const named = statements.flatMap(({ specs }) => specs);
    expect(named).toHaveLength(safety.split('\n').filter((line) => line.includes(' › ')).length);
    expect(new Set(named.map(({ title }) => title)).size).toBe(named.length);
  });
});

describe('the check of docs/safety.md', () => {
  const line = '- `spec/unit/lease.spec.ts` › is never negative';

  it('is content with a claim, an assumption and a spec', () => {
    expect(complaints(`- **A1.** A.\n\n**C1. So it is (A1).**\n\n${line}\n`)).toEqual([]);
  });

  it.each([
    ['a claim without a spec', '**C1. So it is.**\n', 'C1 names no spec'],
    ['a claim whose spec stands below the next', `**C1. A.**\n**C2. B.**\n${line}\n`, 'C1 names no spec'],
    ['a number that is not stated', `**C1. It follows (R7).**\n${line}\n`, 'R7 is not stated'],
    ['a number that is left out', `**C2. A.**\n${line}\n`, 'C2 stands where C1 is due'],
    [
      'a missing file of specs',
      '**C1. A.**\n- `spec/unit/none.spec.ts` › is\n',
      'there is no spec/unit/none.spec.ts',
    ],
    ['a missing file of the library', '- **R1** (`lib/none.ts`). A.\n', 'there is no lib/none.ts'],
    [
      'a spec that does not exist',
      `**C1. A.**\n${line} at all\n`,
      'has 0 specs called: is never negative at all',
    ],
    [
      'a title that is no spec',
      '**C1. A.**\n- `spec/unit/lease.spec.ts` › remainingMs\n',
      'has 0 specs called',
    ],
    [
      'a title of several specs',
      '**C1. A.**\n- `spec/unit/bad-input.spec.ts` › is refused\n',
      'specs called: is refused',
    ],
  ])('objects to %s', (_title, document, complaint) => {
    expect(complaints(document)).toEqual([expect.stringContaining(complaint)]);
  });

  it('knows a spec in every form but a skipped one', () => {
    const source = `
      it('one', () => {});
      it.each([[1], [fn(2)]])('two %s', (n) => {});
      it.each<[string, () => void]>([['a', () => it]])("it's three", async () => {});
      describe('four', () => { it('five', () => {}); });
      it.skip('six', () => {});
      it.each(TABLE);
      other('seven', () => {});
    `;
    expect(titlesOf(source)).toEqual(['one', 'two %s', "it's three", 'five']);
  });
});
