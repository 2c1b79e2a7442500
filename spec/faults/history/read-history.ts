import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Fact } from './facts.ts';

/** All facts of a run's folder in the order of their time. */
export function readHistory(folder: string): Fact[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n').flatMap(factOf))
    .toSorted((one, other) => one.at - other.at);
}

/** SIGKILL may leave half of a last line. */
function factOf(line: string): Fact[] {
  try {
    return [JSON.parse(line) as Fact];
  } catch {
    return [];
  }
}
