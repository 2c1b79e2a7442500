import { inspectLock, type LockInfo } from '../index.ts';
import type { ShowArguments } from './arguments.ts';
import { formatDuration } from './duration.ts';
import { EXIT } from './exit-codes.ts';
import { holderOf, keyOf, sinceOf } from './lock-words.ts';
import { printable, printableJson } from './printable.ts';
import { say, type Streams } from './streams.ts';
import { aligned, tabbed } from './table.ts';

export async function show({ key, json }: ShowArguments, streams: Streams): Promise<number> {
  const info = await inspectLock(key);
  if (json) streams.stdout.write(`${printableJson(info)}\n`);
  else if (info === null) say(streams, `there is no lock ${printable(key)}`);
  else if (streams.stdout.isTTY === true) streams.stdout.write(aligned(rows(info, sinceOf(info))));
  else streams.stdout.write(tabbed(rows(info, info.lockedAt?.toISOString() ?? '')));
  return info === null ? EXIT.nothing : EXIT.fine;
}

function rows(info: LockInfo, since: string): string[][] {
  const { fullKey, sessionId, fencingToken, ttlMs, value } = info;
  const all: readonly (readonly [string, string | undefined])[] = [
    ['key', keyOf(info)],
    ['in Consul', fullKey],
    ['holder', holderOf(info)],
    ['session', sessionId],
    ['since', since],
    ['ttl', ttlMs === undefined ? undefined : formatDuration(ttlMs)],
    ['token', String(fencingToken)],
    ['value', value ?? undefined],
  ];
  return all.flatMap(([name, text]) => (text === undefined || text === '' ? [] : [[name, printable(text)]]));
}
