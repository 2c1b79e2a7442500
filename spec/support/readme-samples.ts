import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from './consul-server/project-folder.ts';

/** A sample in a document, and the example that it has to be taken from. */
export interface Sample {
  readonly example: string;
  readonly code: string;
}

export function readProjectFile(path: string): string {
  return readFileSync(join(projectFolder(), path), 'utf8');
}

/** The fenced blocks that stand under `<!-- sample: examples/… -->`. */
export function samplesOf(document: string): Sample[] {
  const found = document.matchAll(/<!-- sample: (\S+) -->\n\n```ts\n([\s\S]*?)```/g);
  return Array.from(found, ([, example = '', code = '']) => ({ example, code }));
}

/** The part of an example between `// #region sample` and `// #endregion`. */
export function regionOf(source: string): string {
  const [, region] = /\/\/ #region sample\n([\s\S]*?)\/\/ #endregion/.exec(source) ?? [];
  if (region === undefined) throw new Error('the example has no region named sample');
  return region;
}

/** The document with its samples taken anew from the examples. */
export function withSamples(document: string): string {
  return document.replace(
    /(<!-- sample: (\S+) -->\n\n```ts\n)[\s\S]*?```/g,
    (_match, head: string, example: string) => `${head}${regionOf(readProjectFile(example))}\`\`\``,
  );
}
