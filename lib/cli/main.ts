import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parseArguments } from './arguments.ts';
import { breakLock } from './break.ts';
import { EXIT, failureOf } from './exit-codes.ts';
import { list } from './list.ts';
import { run } from './run.ts';
import { show } from './show.ts';
import { say, type Streams } from './streams.ts';

/** Does what the arguments say, and resolves to the exit code; a failure is told in one line. Never rejects. */
export async function main(args: readonly string[], streams: Streams): Promise<number> {
  try {
    return await obey(args, streams);
  } catch (error) {
    const { exitCode, words } = failureOf(error);
    say(streams, words);
    return exitCode;
  }
}

async function obey(args: readonly string[], streams: Streams): Promise<number> {
  const parsed = parseArguments(args);
  switch (parsed.name) {
    case 'help':
      streams.stdout.write(parsed.text);
      return EXIT.fine;
    case 'version':
      streams.stdout.write(`${version()}\n`);
      return EXIT.fine;
    case 'run':
      return await run(parsed, streams);
    case 'ls':
      return await list(parsed, streams);
    case 'show':
      return await show(parsed, streams);
    case 'break':
      return await breakLock(parsed, streams);
  }
}

function version(): string {
  const file = createRequire(import.meta.url).resolve('consul-lock/package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
