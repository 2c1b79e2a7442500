import { EphemeralLock, type LockHandle, type LockOptions, shutdown } from '../../lib/index.ts';
import { clientFor } from './client.ts';

/** A process with several callers, each of which takes a lock on some of the keys, in its own order, and counts. */
export interface ContenderArgument {
  readonly address: string;
  readonly options: LockOptions;
  /** For each caller the keys of its lock, again and again. */
  readonly callers: readonly (readonly string[])[];
  readonly turns: number;
}

export interface ContenderReport {
  /** How often each caller had its turn. */
  readonly turns: readonly number[];
  /** What must never be. */
  readonly overlaps: readonly string[];
  readonly tokens: readonly { readonly key: string; readonly token: number; readonly turn: number }[];
}

const { address, options, callers, turns } = JSON.parse(process.argv[2]!) as ContenderArgument;
const consulClient = clientFor(address);
const overlaps: string[] = [];
const tokens: ContenderReport['tokens'][number][] = [];

const had = await Promise.all(callers.map(async (keys) => await takeTurns(keys)));
await shutdown();
process.stdout.write(`${JSON.stringify({ turns: had, overlaps, tokens } satisfies ContenderReport)}\n`);

async function takeTurns(keys: readonly string[]): Promise<number> {
  let count = 0;
  const lock = new EphemeralLock(keys, { ...options, consulClient });
  while (count < turns) {
    await lock.hold(async (handle) => {
      for (const fullKey of handle.fullKeys) await enter(handle, fullKey);
      if (!handle.isHeld) overlaps.push(`${handle.fullKey}: not held inside`);
      for (const fullKey of handle.fullKeys) await leave(handle, fullKey);
    });
    count += 1;
  }
  return count;
}

/** One more inside: read and written in two steps, so that another who is inside would be seen, or an update lost. */
async function enter(handle: LockHandle, fullKey: string): Promise<void> {
  const inside = await read(`${fullKey}-inside`);
  if (inside !== 0) overlaps.push(`${fullKey}: ${inside} inside already`);
  if (!handle.isHeld) overlaps.push(`${fullKey}: not held at the entrance`);
  await write(handle, `${fullKey}-inside`, inside + 1);
  tokens.push({ key: fullKey, token: handle.fencingToken, turn: await read(`${fullKey}-turns`) });
}

async function leave(handle: LockHandle, fullKey: string): Promise<void> {
  const inside = await read(`${fullKey}-inside`);
  if (inside !== 1) overlaps.push(`${fullKey}: ${inside} inside at the exit`);
  await write(handle, `${fullKey}-turns`, (await read(`${fullKey}-turns`)) + 1);
  await write(handle, `${fullKey}-inside`, inside - 1);
}

async function read(fullKey: string): Promise<number> {
  const entry = (await consulClient.kv.get(fullKey)) as { Value: string } | undefined;
  return Number(entry?.Value ?? 0);
}

async function write(handle: LockHandle, fullKey: string, value: number): Promise<void> {
  await handle.transaction([
    { KV: { Verb: 'set', Key: fullKey, Value: Buffer.from(String(value)).toString('base64') } },
  ]);
}
