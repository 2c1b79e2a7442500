import { defaults, type LockInfo } from '../index.ts';
import { formatAge } from './duration.ts';
import { printable } from './printable.ts';

/** A lock's key as all commands take it: without the pattern's part around it. */
export function keyOf({ fullKey }: LockInfo): string {
  const [before, after] = defaults.lockKeyPattern!.split('%s') as [string, string];
  return fullKey.slice(before.length, fullKey.length - after.length);
}

/** Who has it: the process, where the lock's value tells, and the session. */
export function holderOf(info: LockInfo): string {
  if (!info.locked) return 'nobody';
  const { sessionName, sessionId, node } = info;
  const session =
    node === undefined
      ? `session ${sessionId}`
      : `session ${sessionName === undefined || sessionName === '' ? sessionId : sessionName}, node ${node}`;
  const { hostname, pid } = whereItRuns(info.value);
  if (hostname === undefined) return printable(session);
  return printable(`${hostname}${pid === undefined ? '' : ` pid ${pid}`} (${session})`);
}

/** Out of the value that locks have by default; a value of another kind tells nothing. */
function whereItRuns(value: string | null): { hostname?: string; pid?: number } {
  try {
    const { hostname, pid } = JSON.parse(value ?? '') as { hostname?: unknown; pid?: unknown };
    return {
      ...(typeof hostname === 'string' && hostname !== '' && { hostname }),
      ...(Number.isInteger(pid) && { pid: pid as number }),
    };
  } catch {
    return {};
  }
}

/** In the local time of whoever reads it, to the second: Sweden writes dates as ISO 8601 does. */
export function localTime(date: Date): string {
  return date.toLocaleString('sv-SE');
}

/** Local time, and how long ago that was; empty when nobody knows. */
export function sinceOf({ lockedAt }: LockInfo): string {
  return lockedAt === undefined
    ? ''
    : `${localTime(lockedAt)} (${formatAge(Date.now() - lockedAt.getTime())})`;
}

/** As part of a sentence: who has it, and since when. */
export function whoHolds(info: LockInfo): string {
  const since = info.lockedAt === undefined ? '' : ` since ${localTime(info.lockedAt)}`;
  return `held by ${holderOf(info)}${since}`;
}
