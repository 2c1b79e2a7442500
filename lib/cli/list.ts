import { listLocks, type LockInfo } from '../index.ts';
import type { ListArguments } from './arguments.ts';
import { formatDuration } from './duration.ts';
import { EXIT } from './exit-codes.ts';
import { holderOf, keyOf, sinceOf } from './lock-words.ts';
import { printable, printableJson } from './printable.ts';
import { say, type Streams } from './streams.ts';
import { aligned, tabbed } from './table.ts';

export async function list({ prefix, json }: ListArguments, streams: Streams): Promise<number> {
  const locks = await listLocks(prefix);
  if (json) {
    streams.stdout.write(`${printableJson(locks)}\n`);
  } else if (streams.stdout.isTTY !== true) {
    streams.stdout.write(tabbed(locks.map(plainRow)));
  } else if (locks.length === 0) {
    say(streams, 'no locks');
  } else {
    streams.stdout.write(aligned([['KEY', 'HOLDER', 'SINCE', 'TTL', 'TOKEN'], ...locks.map(row)]));
  }
  return EXIT.fine;
}

function row(info: LockInfo): string[] {
  return cells(info, sinceOf(info)).map((cell) => (cell === '' ? '-' : cell));
}

function plainRow(info: LockInfo): string[] {
  return cells(info, info.lockedAt?.toISOString() ?? '');
}

function cells(info: LockInfo, since: string): string[] {
  const { ttlMs, fencingToken } = info;
  const ttl = ttlMs === undefined ? '' : formatDuration(ttlMs);
  return [printable(keyOf(info)), holderOf(info), since, ttl, String(fencingToken)];
}
