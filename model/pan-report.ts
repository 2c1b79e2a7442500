/** A statement of the model that no order of events led to. */
export interface Unreached {
  readonly line: number;
  readonly statement: string;
}

/** What a search by spin's verifier has come to. */
export interface PanReport {
  /** The property that was violated, or another error in pan's words; undefined: none. */
  readonly violated: string | undefined;
  /** Why not all states were searched; undefined: all were, or all up to a violation. */
  readonly truncatedBy: string | undefined;
  readonly states: number;
  readonly depth: number;
  readonly seconds: number;
  readonly megabytes: number;
  readonly statements: number;
  readonly unreached: readonly Unreached[];
}

/** Reads what pan prints (of spin 6.5.2). What it does not say is NaN, and no complete search. */
export function readPanReport(output: string): PanReport {
  const found = (pattern: RegExp): string | undefined => pattern.exec(output)?.[1];
  const figure = (pattern: RegExp): number => Number(found(pattern) ?? NaN);
  const violation = found(/^pan:\d+: (.+?) \(at depth \d+\)$/m);
  const errors = figure(/errors: (\d+)$/m);
  return {
    violated: violation?.replace(/^assertion violated /, '') ?? (errors > 0 ? 'an error' : undefined),
    truncatedBy: violation === undefined ? truncation(output, errors) : undefined,
    states: figure(/^\s*(\d+) states, stored/m),
    // Of the violation, where there is one.
    depth: figure(/\(at depth (\d+)\)$/m) || figure(/depth reached (\d+)/),
    seconds: figure(/pan: elapsed time ([\d.e+]+) seconds/),
    megabytes: figure(/^\s*([\d.]+)\s+total actual memory usage/m),
    statements: sum(output.matchAll(/^\s*\(\d+ of (\d+) states\)$/gm)),
    unreached: Array.from(
      output.matchAll(/^\s+\S+\.pml:(\d+), state \d+, "(.*)"$/gm),
      ([, line, statement]) => ({
        line: Number(line),
        statement: statement!,
      }),
    ).filter(({ statement }) => statement !== '-end-'),
  };
}

function truncation(output: string, errors: number): string | undefined {
  const said = /^(?:error: (max search depth too small)|pan: (reached -DMEMLIM bound|out of memory))/m.exec(
    output,
  );
  if (said) return said[1] ?? said[2];
  if (output.includes('Search not completed')) return 'search not completed';
  if (!/^Full statespace search for:/m.test(output)) return 'no full search';
  return Number.isNaN(errors) ? 'no result' : undefined;
}

function sum(matches: Iterable<RegExpExecArray>): number {
  let total = 0;
  for (const [, count] of matches) total += Number(count);
  return total;
}
