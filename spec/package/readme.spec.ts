import { describe, expect, it } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { defaults, resetDefaults } from '../../lib/index.ts';
import { projectFolder } from '../support/consul-server/project-folder.ts';
import { readProjectFile, regionOf, samplesOf } from '../support/readme-samples.ts';

const readme = readProjectFile('README.md');

describe('README', () => {
  it('has fewer than 250 lines', () => {
    expect(readme.split('\n').length).toBeLessThan(250);
  });

  it('shows no code but what the specs run', () => {
    const samples = samplesOf(readme);
    expect(samples).toHaveLength(readme.split('```ts').length - 1);
    for (const { example, code } of samples) expect(code).toBe(regionOf(readProjectFile(example)));
  });

  it('shows every example, but for what examples share', () => {
    const shown = samplesOf(readme).map(({ example }) => example);
    const files = readdirSync(join(projectFolder(), 'examples')).filter(
      (file) => file !== 'welcome-email.ts',
    );
    expect(shown.toSorted()).toEqual(files.map((file) => `examples/${file}`).toSorted());
  });

  it('names every option, with the default that it has', () => {
    resetDefaults();
    const rows = new Map(
      Array.from(readme.matchAll(/^\| ((?:`\w+`(?:, )?)+) +\| (.+?) +\|/gm), ([, names = '', value]) =>
        [...names.matchAll(/\w+/g)].map(([name]) => [name, value] as const),
      ).flat(),
    );
    expect([...rows.keys()]).toEqual(expect.arrayContaining(Object.keys(defaults)));
    const literals = Object.entries(defaults).filter(
      ([, value]) => ['number', 'boolean', 'string'].includes(typeof value) || Array.isArray(value),
    );
    for (const [name, value] of literals) {
      expect(`${name} ${rows.get(name)}`).toBe(`${name} \`${JSON.stringify(value).replaceAll('"', "'")}\``);
    }
  });
});

describe('CHANGELOG', () => {
  it('has a dated section for the version of package.json, under Unreleased', () => {
    const { version } = JSON.parse(readProjectFile('package.json')) as { version: string };
    const headings = Array.from(
      readProjectFile('CHANGELOG.md').matchAll(/^## (.+)$/gm),
      ([, heading]) => heading,
    );
    expect(headings[0]).toBe('[Unreleased]');
    expect(headings[1]).toMatch(/^\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d$/);
    expect(headings[1]).toContain(`[${version}]`);
  });
});
