import { createInterface } from 'node:readline';
import { forceRelease, inspectLock, type LockInfo } from '../index.ts';
import type { BreakArguments } from './arguments.ts';
import { EXIT, UsageError } from './exit-codes.ts';
import { whoHolds } from './lock-words.ts';
import { printable } from './printable.ts';
import { canAsk, say, type Streams } from './streams.ts';

/** Not `break`, which is a word of the language. */
export async function breakLock({ key, yes }: BreakArguments, streams: Streams): Promise<number> {
  if (!yes && !canAsk(streams)) {
    throw new UsageError('break asks before it frees a lock, and nobody can be asked here: --yes frees it');
  }
  const info = await inspectLock(key);
  if (info === null) {
    say(streams, `there is no lock ${printable(key)}`);
    return EXIT.nothing;
  }
  if (!yes && !(await isAgreed(question(key, info), streams))) {
    say(streams, 'left as it is');
    return EXIT.nothing;
  }
  const { sessionId, fencingToken } = info;
  // Whoever has taken it since was not shown, and is not hit: also not by the same session, which may serve many locks in a row.
  const isFreed = await forceRelease(
    key,
    yes && sessionId !== undefined ? { ifSession: sessionId } : { ifFencingToken: fencingToken },
  );
  say(
    streams,
    isFreed
      ? `freed ${printable(key)}, ${info.locked ? whoHolds(info) : 'which was left behind'}`
      : `left as it is: ${printable(key)} has changed hands or was rewritten meanwhile, or it is data that never was a lock`,
  );
  return isFreed ? EXIT.fine : EXIT.nothing;
}

function question(key: string, info: LockInfo): string {
  const warning = info.locked ? '\nIt may be at work still, and the next holder would not wait for it.' : '';
  return `${printable(key)} is ${said(info)}.${warning}\nFree it? [y/N] `;
}

function said(info: LockInfo): string {
  return info.locked ? whoHolds(info) : 'left behind by a lock that nobody has';
}

async function isAgreed(asked: string, { stdin, stderr }: Streams): Promise<boolean> {
  stderr.write(asked);
  const lines = createInterface({ input: stdin });
  const answer = await new Promise<string | undefined>((resolve) => {
    lines.once('line', resolve).once('close', () => resolve(undefined));
  });
  lines.close();
  if (answer === undefined) stderr.write('\n');
  return /^\s*y(es)?\s*$/i.test(answer ?? '');
}
