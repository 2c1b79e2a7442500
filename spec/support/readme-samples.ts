import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from './consul-server/project-folder.ts';

/** A fenced block of a document, and the example that it says it is taken from. */
export interface Sample {
  readonly source: string | undefined;
  readonly language: string;
  readonly code: string;
}

const BLOCK = /(?:<!-- sample: (\S+) -->\n\n)?^```(\w*)\n([\s\S]*?)^```$/gm;
const SAMPLE = /(<!-- sample: (\S+) -->\n\n```\w+\n)[\s\S]*?^```$/gm;

export function readProjectFile(path: string): string {
  return readFileSync(join(projectFolder(), path), 'utf8');
}

/** What a reader reads. */
export function documents(): string[] {
  const pages = readdirSync(join(projectFolder(), 'docs')).filter((file) => file.endsWith('.md'));
  return ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...pages.toSorted().map((page) => `docs/${page}`)];
}

export function samplesOf(document: string): Sample[] {
  return Array.from(document.matchAll(BLOCK), ([, source, language = '', code = '']) => ({
    source,
    language,
    code,
  }));
}

/**
 * The text that a sample shows: of a program the part between `// #region sample` and `// #endregion`, or the region named
 * after a `#`; any other file as a whole.
 */
export function sampleText(source: string): string {
  const [file = '', region = 'sample'] = source.split('#');
  const text = readProjectFile(file);
  if (!file.endsWith('.ts')) return text;
  const [, code] = new RegExp(`// #region ${region}\n([^]*?)// #endregion`).exec(text) ?? [];
  if (code === undefined) throw new Error(`${file} has no region named ${region}`);
  return code;
}

/** The document with its samples taken anew from the examples. */
export function withSamples(document: string): string {
  return document.replace(
    SAMPLE,
    (_match, head: string, source: string) => `${head}${sampleText(source)}\`\`\``,
  );
}
