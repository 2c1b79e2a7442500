import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { compiledUrl } from '../support/compiled.ts';
import { projectFolder } from '../support/consul-server/project-folder.ts';

jest.setTimeout(30_000);

const JEST = join(projectFolder(), 'node_modules/jest/bin/jest.js');
const FILES = {
  jest: 'examples/testing/reminder.jest.ts',
  node: 'examples/testing/reminder.node.ts',
  waiting: 'examples/testing/waiting.node.ts',
  subject: 'examples/testing/reminder.ts',
} as const;

const compiled = (file: `${string}.ts`): string => fileURLToPath(compiledUrl(file));

interface Verdict {
  readonly passed: string[];
  readonly failed: string[];
  /** All that was printed. */
  readonly printed: string;
}

/** Runs tests as their own programs do, away from this run of jest. */
async function run(
  args: readonly string[],
  report: (printed: string) => Omit<Verdict, 'printed'>,
): Promise<Verdict> {
  const {
    JEST_WORKER_ID: _worker,
    NODE_OPTIONS: _options,
    NODE_TEST_CONTEXT: _context,
    ...env
  } = process.env;
  const printed = await new Promise<string>((resolve) => {
    execFile(process.execPath, args, { env }, (_error, stdout) => resolve(stdout));
  });
  return { ...report(printed), printed };
}

async function runJest(folder: string): Promise<Verdict> {
  const config = JSON.stringify({ rootDir: folder, testMatch: ['**/*.jest.js'], transform: {} });
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  return await run([...flags, JEST, '--config', config, '--json'], (printed) => {
    const { testResults } = JSON.parse(printed) as {
      testResults: { assertionResults: { title: string; status: string }[] }[];
    };
    const results = testResults.flatMap(({ assertionResults }) => assertionResults);
    const titled = (wanted: string): string[] =>
      results.filter(({ status }) => status === wanted).map(({ title }) => title);
    return { passed: titled('passed'), failed: titled('failed') };
  });
}

async function runNode(file: string): Promise<Verdict> {
  return await run(['--test', '--test-reporter=tap', file], (printed) => {
    const titled = (mark: string): string[] =>
      Array.from(printed.matchAll(new RegExp(`^ *${mark} \\d+ - (.+)$`, 'gm')), ([, title = '']) => title);
    const inTests = (title: string): boolean => !title.endsWith('.js');
    return { passed: titled('ok').filter(inTests), failed: titled('not ok').filter(inTests) };
  });
}

describe('the samples of tests', () => {
  it('pass with jest', async () => {
    expect(await runJest(dirname(compiled(FILES.jest)))).toMatchObject({
      passed: [
        'reminds everybody, and gives the lock back',
        'stops when the lock is lost',
        'does not take a slow run for a good one',
        'leaves it to whoever is at it',
        'reminds once when it is called twice',
        'says that Consul is away, and not that somebody else is at it',
        'gets along with timers that jest has replaced',
      ],
      failed: [],
    });
  });

  it('pass with node:test', async () => {
    expect(await runNode(compiled(FILES.node))).toMatchObject({
      passed: ['stops when the lock is lost', 'leaves it to whoever is at it'],
      failed: [],
    });
    expect(await runNode(compiled(FILES.waiting))).toMatchObject({
      passed: ['waits for its turn'],
      failed: [],
    });
  });

  describe('fail for code', () => {
    let folder: string;

    beforeEach(async () => {
      folder = await mkdtemp(join(dirname(compiled(FILES.subject)), 'broken-'));
      for (const file of [FILES.jest, FILES.node, FILES.subject] as const) {
        await cp(compiled(file), join(folder, compiled(file).split('/').at(-1)!));
      }
    });
    afterEach(async () => await rm(folder, { recursive: true, force: true }));

    async function breakIt(right: string, wrong: string): Promise<void> {
      const subject = join(folder, 'reminder.js');
      const text = await readFile(subject, 'utf8');
      expect(text).toContain(right);
      await writeFile(subject, text.replace(right, wrong));
    }

    it('that goes on without the lock', async () => {
      await breakIt('handle.signal.throwIfAborted();', '');
      const stops = 'stops when the lock is lost';
      expect((await runJest(folder)).failed).toEqual([stops]);
      expect((await runNode(join(folder, 'reminder.node.js'))).failed).toEqual([stops]);
    });

    it('that takes no lock', async () => {
      await breakIt('if (handle === null)', 'if (false)');
      const leaves = 'leaves it to whoever is at it';
      expect((await runJest(folder)).failed).toContain(leaves);
      expect((await runNode(join(folder, 'reminder.node.js'))).failed).toContain(leaves);
    });

    it('that does not look at the end whether it was in time', async () => {
      await breakIt('handle.assertHeld();', '');
      expect((await runJest(folder)).failed).toEqual(['does not take a slow run for a good one']);
    });
  });
});
