import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { projectFolder } from '../support/consul-server/project-folder.ts';

/** From the ground up: a file imports only from floors below its own, types included. */
const FLOORS: readonly (readonly string[])[] = [
  [
    'call-context',
    'clock',
    'consul-client',
    'linked-list',
    'lock-flags',
    'lock-info',
    'lock-key',
    'log',
    'merged',
    'newest',
    'stop',
  ],
  ['consul-socket', 'errors', 'lifecycle', 'options', 'per-client', 'sleep', 'stays', 'timer-wheel'],
  ['consul-env', 'crowd', 'events', 'holders-here', 'lanes', 'system-clock', 'turns'],
  ['consul-failure', 'lease', 'settings'],
  ['consul-answer', 'consul-request', 'retry'],
  ['acquisition-errors', 'consul-gate', 'lock-entry', 'patience'],
  ['clean-up', 'holder', 'lock-terms', 'loss-watch', 'ownership', 'session'],
  ['guarded-write', 'inspection', 'lot', 'new-entry', 'renewal', 'returning', 'session-pool', 'taking'],
  ['held-here', 'shutdown', 'tidy-up', 'waiting-line'],
  ['contender-session', 'hand-over'],
  ['giving-back', 'waiting'],
  ['coming-free'],
  ['acquisition'],
  ['lock-handle'],
  ['ephemeral-lock'],
  ['index'],
];

/** Who may name a package, and whether only for its types. */
const PACKAGES: Readonly<Record<string, readonly { file: string; typesOnly: boolean }[]>> = {
  consul: [
    { file: 'consul-gate.ts', typesOnly: false },
    { file: 'consul-env.ts', typesOnly: false },
  ],
  'p-retry': [{ file: 'retry.ts', typesOnly: false }],
  pino: [
    { file: 'log.ts', typesOnly: true },
    { file: 'options.ts', typesOnly: true },
    { file: 'settings.ts', typesOnly: true },
  ],
};

interface Import {
  /** Relative to lib/, with its ending. */
  readonly from: string;
  /** Relative to lib/ too; or the name of a package. */
  readonly to: string;
  readonly typesOnly: boolean;
}

/** `import` and `export … from` in all their forms, `import()` and `import('…')` types too. */
const IMPORTS =
  /^\s*(?:import|export)\s+(?<types>type\s)?[^'"`;]*?\bfrom\s*['"](?<from>[^'"]+)['"]|^\s*import\s*['"](?<bare>[^'"]+)['"]|\b(?:import|require)\(\s*['"`](?<called>[^'"`]+)['"`]/gm;

function importsOf(from: string, source: string): Import[] {
  return Array.from(source.matchAll(IMPORTS), ({ groups = {} }) => {
    const named = groups['from'] ?? groups['bare'] ?? groups['called'] ?? '';
    const to = named.startsWith('.') ? join(dirname(from), named) : named;
    return { from, to, typesOnly: groups['types'] !== undefined };
  });
}

function floorOf(file: string): number {
  return FLOORS.findIndex((files) => files.includes(file.replace(/\.ts$/, '')));
}

function areaOf(file: string): 'house' | 'testing' | 'cli' {
  if (file.startsWith('testing/')) return 'testing';
  return file.startsWith('cli/') || file === 'cli.ts' ? 'cli' : 'house';
}

/** What is wrong with an import inside of lib/; undefined: nothing. */
function climb({ from, to }: Import): string | undefined {
  if (!to.endsWith('.ts')) return undefined;
  if (to.startsWith('..')) return 'leaves lib/';
  const [area, target] = [areaOf(from), areaOf(to)];
  if (area === 'testing') return target === 'testing' || floorOf(to) === 0 ? undefined : 'is above floor 0';
  if (area === 'cli') return target === 'cli' || to === 'index.ts' ? undefined : 'is not the door';
  if (target !== 'house') return `is in ${target}/`;
  const [floor, targetFloor] = [floorOf(from), floorOf(to)];
  if (floor < 0 || targetFloor < 0) return 'one of them has no floor';
  return targetFloor < floor ? undefined : `is on floor ${targetFloor}, and ${from} on floor ${floor}`;
}

/** What is wrong with naming a package; undefined: nothing. */
function trespass({ from, to, typesOnly }: Import): string | undefined {
  if (to.endsWith('.ts') || to.startsWith('node:')) return undefined;
  const gates = PACKAGES[to];
  if (!gates) return `${to} has no gate`;
  const gate = gates.find(({ file }) => file === from);
  if (!gate) return `only ${gates.map(({ file }) => file).join(', ')} may name ${to}`;
  return gate.typesOnly && !typesOnly ? `only types may be taken from ${to}` : undefined;
}

const lib = join(projectFolder(), 'lib');
const files = readdirSync(lib, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .toSorted();
const imports = files.flatMap((file) => importsOf(file, readFileSync(join(lib, file), 'utf8')));

function complaints(
  rule: (line: Import) => string | undefined,
  lines: readonly Import[] = imports,
): string[] {
  return lines.flatMap((line) => {
    const wrong = rule(line);
    return wrong === undefined ? [] : [`${line.from} imports ${line.to}: ${wrong}`];
  });
}

/** The files that can be reached from themselves. */
function circles(): string[] {
  const targets = new Map(files.map((file) => [file, [] as string[]]));
  for (const { from, to } of imports) targets.get(from)?.push(to);
  return files.filter((file) => {
    const seen = new Set<string>();
    const reach = (from: string): boolean =>
      (targets.get(from) ?? []).some((to) => to === file || (!seen.has(to) && reach((seen.add(to), to))));
    return reach(file);
  });
}

describe('lib', () => {
  it('has every file of the house on one floor, and every floor full of files', () => {
    const house = files.filter((file) => areaOf(file) === 'house').map((file) => file.replace(/\.ts$/, ''));
    expect(FLOORS.flat().toSorted()).toEqual(house.toSorted());
  });

  it('imports only from floors below', () => {
    expect(complaints(climb)).toEqual([]);
  });

  it('names each package in its gate alone', () => {
    expect(complaints(trespass)).toEqual([]);
  });

  it('has no circle of imports', () => {
    expect(circles()).toEqual([]);
  });

  it('imports its own files with their ending, and each of them exists', () => {
    const own = imports.filter(({ to }) => to.endsWith('.ts') || to.startsWith('.'));
    expect(own.filter(({ to }) => !files.includes(to))).toEqual([]);
    expect(own.length).toBeGreaterThan(files.length);
  });
});

describe('the rules', () => {
  const lines = (from: string, source: string): string[] => {
    const found = importsOf(from, source);
    return [...complaints(climb, found), ...complaints(trespass, found)];
  };

  it.each([
    ['a climb', 'errors.ts', "import { acquire } from './acquisition.ts';"],
    ['a climb for a type', 'errors.ts', "import type { Lease } from './lease.ts';"],
    ['a climb over several lines', 'lease.ts', "import {\n  a,\n  type B,\n} from './session.ts';"],
    ['a climb of a re-export', 'lease.ts', "export * from './session.ts';"],
    ['a climb for an effect', 'lease.ts', "import './session.ts';"],
    ['a climb by import()', 'lease.ts', "const x = await import('./session.ts');"],
    ['a climb by an import type', 'lease.ts', "type S = import('./session.ts').Session;"],
    ['a sibling', 'consul-answer.ts', "import { retryTransient } from './retry.ts';"],
    ['a file without a floor', 'index.ts', "import { x } from './new-file.ts';"],
    ['the house in testing/', 'testing/fake-kv.ts', "import { ConsulRequestError } from '../errors.ts';"],
    ['testing/ in the house', 'settings.ts', "import { FakeConsul } from './testing/index.ts';"],
    ['a back door', 'cli/run.ts', "import { Lease } from '../lease.ts';"],
    ['a file outside', 'index.ts', "import { x } from '../spec/support/consul.ts';"],
    ['consul elsewhere', 'session.ts', "import Consul from 'consul';"],
    ['a type of consul elsewhere', 'settings.ts', "import type Consul from 'consul';"],
    ['p-retry elsewhere', 'acquisition.ts', "import pRetry from 'p-retry';"],
    ['p-retry by import()', 'acquisition.ts', "const { default: r } = await import('p-retry');"],
    ['pino elsewhere', 'lock-handle.ts', "import type { Logger } from 'pino';"],
    ['more of pino than types', 'options.ts', "import { pino } from 'pino';"],
    ['a package without a gate', 'options.ts', "import z from 'zod';"],
  ])('refuse %s', (_, from, source) => {
    expect(lines(from, source)).toHaveLength(1);
  });

  it.each([
    ['errors.ts', "import type { LockInfo } from './lock-info.ts';"],
    ['testing/fake-clock.ts', "import type { Clock } from '../clock.ts';"],
    ['testing/fake-kv.ts', "import { Refusal } from './fake-reply.ts';"],
    ['cli/run.ts', "import { EphemeralLock } from '../index.ts';\nimport { parse } from './parse.ts';"],
    ['consul-env.ts', "import Consul from 'consul';\nimport { join } from 'node:path';"],
    ['options.ts', "import type { Logger } from 'pino';"],
  ])('leave %s in peace', (from, source) => {
    expect(lines(from, source)).toEqual([]);
  });

  it('are read from this project', () => {
    expect(relative(projectFolder(), lib)).toBe('lib');
    expect(imports).toContainEqual({ from: 'retry.ts', to: 'p-retry', typesOnly: false });
    expect(imports).toContainEqual({ from: 'options.ts', to: 'pino', typesOnly: true });
    expect(imports).toContainEqual({ from: 'testing/fake-consul.ts', to: 'clock.ts', typesOnly: false });
  });
});
