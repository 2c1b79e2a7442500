import { describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArguments } from '../../lib/cli/arguments.ts';
import { defaults, resetDefaults } from '../../lib/index.ts';
import { projectFolder } from '../support/consul-server/project-folder.ts';
import { documents, readProjectFile, sampleText, samplesOf } from '../support/readme-samples.ts';

const readme = readProjectFile('README.md');
const pages = documents().map((file) => ({ file, text: readProjectFile(file) }));

/** What may be shown without a source: commands to type, statements and rules of other programs, drawings. */
const NEEDS_NO_SOURCE = ['sh', 'console', 'sql', 'hcl', 'text', 'mermaid'];

/** The specs that run the examples, or start something with them. */
const RUNNERS = ['acl', 'examples', 'observing', 'operating', 'recipes', 'test-samples'];

/** What is wrong with the code that a document shows; nothing, if all is well. */
function complaints(document: string): string[] {
  const samples = samplesOf(document);
  const promised = document.split('<!-- sample:').length - 1;
  return [
    ...(samples.filter(({ source }) => source !== undefined).length === promised
      ? []
      : ['a source stands above no block']),
    ...samples.flatMap(({ source, language, code }) => {
      const start = code.split('\n', 1).join();
      if (language === '') return [`a block names no language: ${start}`];
      if (source === undefined) {
        return NEEDS_NO_SOURCE.includes(language) ? [] : [`a block of ${language} has no source: ${start}`];
      }
      const [file = ''] = source.split('#');
      if (!existsSync(join(projectFolder(), file))) return [`there is no ${file}`];
      if (!file.endsWith(`.${language}`)) return [`a block of ${language} is from ${file}`];
      return code === sampleText(source) ? [] : [`a block is not what ${source} says: ${start}`];
    }),
  ];
}

function anchorsOf(document: string): string[] {
  return Array.from(document.matchAll(/^#+ (.+)$/gm), ([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
}

describe('README', () => {
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

describe.each(pages)('$file', ({ file, text }) => {
  it('has fewer than 250 lines', () => {
    expect(text.split('\n').length).toBeLessThan(250);
  });

  it('shows no code but what the specs run', () => {
    expect(complaints(text)).toEqual([]);
  });

  it('links to nothing of ours that is not there', () => {
    const links = Array.from(text.matchAll(/\]\(([^)]+)\)/g), ([, link = '']) => link);
    const own = links.filter((link) => !/^https?:/.test(link));
    const isThere = (link: string): boolean => {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? file : join(dirname(file), path);
      if (!existsSync(join(projectFolder(), target))) return false;
      return anchor === undefined || anchorsOf(readProjectFile(target)).includes(anchor);
    };
    expect(own.filter((link) => !isThere(link))).toEqual([]);
  });
});

describe('the scripts of package.json', () => {
  const { scripts } = JSON.parse(readProjectFile('package.json')) as { scripts: Record<string, string> };
  const texts = [...documents(), '.ci/run', '.github/workflows/check.yml', '.github/workflows/release.yml'];

  it.each(texts)('are there for all that %s has one run', (file) => {
    const named = Array.from(
      readProjectFile(file).matchAll(/npm (?:run )?([\w:]+)/g),
      ([whole, name = '']) => (whole.startsWith('npm run') ? name : ''),
    );
    expect(named.filter((name) => name !== '' && scripts[name] === undefined)).toEqual([]);
  });
});

describe('the workflows', () => {
  it('run what a change has to pass, and the matrix, before anything is published', () => {
    const check = readProjectFile('.github/workflows/check.yml');
    const runs = Array.from(check.matchAll(/^ +- run: (.+)$/gm), ([, line]) => line);
    expect(runs).toEqual(['|', '.ci/run', '|', 'npm ci --no-audit --no-fund', 'npm run matrix']);
    expect(check.split('CONSUL_BIN=')).toHaveLength(3);
    expect(readProjectFile('.github/workflows/release.yml')).toMatch(
      /uses: \.\/\.github\/workflows\/check\.yml\n\n {2}publish:\n {4}needs: check\n/,
    );
  });

  it('have no secrets, and no more rights than they use', () => {
    for (const file of ['check', 'release']) {
      const text = readProjectFile(`.github/workflows/${file}.yml`);
      expect(text).toMatch(/^permissions:\n {2}contents: read\n/m);
      expect(text).not.toContain('secrets.');
    }
  });
});

describe.each(['docs/command-line.md', 'README.md'])('%s', (file) => {
  it('types nothing that the command would not take', () => {
    const typed = Array.from(
      readProjectFile(file).matchAll(/^\$ consul-lock ([^|;\n]+)/gm),
      ([, line = '']) => line.trim(),
    );
    expect(typed.length).toBeGreaterThan(3);
    const wordsOf = (line: string): string[] => line.match(/'[^']*'|\S+/g) ?? [];
    expect(() => typed.forEach((line) => parseArguments(wordsOf(line)))).not.toThrow();
  });
});

describe('docs/operating.md', () => {
  it('names no line of the log but those that are written', () => {
    const lib = join(projectFolder(), 'lib');
    const sources = readdirSync(lib).filter((file) => file.endsWith('.ts'));
    const written = sources.map((file) => readProjectFile(`lib/${file}`)).join();
    const table = readProjectFile('docs/operating.md').matchAll(/^\| `(\w+(?: [^`]+)+)`/gm);
    const named = Array.from(table, ([, line = '']) => line);
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((line) => !written.includes(`'${line}'`))).toEqual([]);
  });
});

describe('the examples', () => {
  const files = readdirSync(join(projectFolder(), 'examples'), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.\w+$/.test(file))
    .map((file) => `examples/${file}`);

  it('are all shown, but for what examples share', () => {
    const shown = new Set(
      pages.flatMap(({ text }) => samplesOf(text)).map(({ source }) => source?.split('#', 1).join()),
    );
    const programs = files.filter((file) => file.endsWith('.ts')).map(readProjectFile);
    const isShared = (file: string): boolean =>
      programs.some((program) => program.includes(`/${file.split('/').at(-1)}'`));
    expect(files.filter((file) => !shown.has(file) && !isShared(file))).toEqual([]);
  });

  it('that are shown are all run', () => {
    const runners = RUNNERS.map((name) => readProjectFile(`spec/consul/${name}.spec.ts`)).join();
    const sources = pages.flatMap(({ text }) => samplesOf(text)).map(({ source }) => source);
    const shown = new Set(sources.flatMap((source) => source?.split('#', 1) ?? []));
    expect([...shown].filter((file) => !runners.includes(`'${file}'`))).toEqual([]);
  });
});

describe('the check of what documents show', () => {
  const shown = (source: string, code: string, language = 'ts'): string =>
    `${source}\`\`\`${language}\n${code}\`\`\`\n`;
  const HOLD = '<!-- sample: examples/hold.ts -->\n\n';

  it('is content with a sample, with a command to type, and with text', () => {
    const sample = shown(HOLD, sampleText('examples/hold.ts'));
    expect(complaints(`Text.\n\n${sample}\n${shown('', 'npm test\n', 'sh')}\nMore \`text\`.\n`)).toEqual([]);
  });

  it.each([
    ['code without a source', shown('', 'lock();\n'), 'a block of ts has no source: lock();'],
    ['a language that it does not know', shown('', 'lock()\n', 'python'), 'a block of python has no source'],
    ['a block without a language', shown('', 'lock()\n', ''), 'a block names no language: lock()'],
    ['a sample that was changed', shown(HOLD, 'lock();\n'), 'is not what examples/hold.ts says: lock();'],
    ['a missing example', shown(HOLD.replace('hold', 'none'), ''), 'there is no examples/none.ts'],
    ['a sample in a wrong language', shown(HOLD, '', 'sh'), 'a block of sh is from examples/hold.ts'],
    ['a source above something else', `${HOLD}Text.\n`, 'a source stands above no block'],
  ])('objects to %s', (_title, document, complaint) => {
    expect(complaints(document)).toEqual([expect.stringContaining(complaint)]);
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
