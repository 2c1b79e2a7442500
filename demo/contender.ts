import { setTimeout as pause } from 'node:timers/promises';
import { consulFromEnv, EphemeralLock, LockLostError, shutdown, type LockHandle } from '../lib/index.ts';
import type { Act, Assignment } from './acts.ts';
import { machineTimeMs } from './clock.ts';

const { lockKey, counterKey, turns, lockOptions } = JSON.parse(process.argv[2] ?? '{}') as Assignment;
const lock = new EphemeralLock(lockKey, lockOptions);

const ending = new AbortController();
const { signal } = ending;
// Consul may have ended before us, and then there is no giving back.
signal.addEventListener('abort', () => setTimeout(() => process.exit(), 1_000).unref());
// The channel closes with the parent, however that ends.
for (const event of ['disconnect', 'SIGINT', 'SIGTERM', 'SIGHUP']) process.once(event, () => ending.abort());
if (!process.connected) ending.abort();

try {
  await takeTurns();
} catch (error) {
  if (!signal.aborted) throw error;
}
await shutdown();
if (process.connected) process.disconnect();
// Killed, the parent cannot tidy up after itself; Consul may be gone as well, and its data with it.
else
  await consulFromEnv()
    .kv.del(counterKey)
    .catch(() => {});

async function takeTurns(): Promise<void> {
  for (let taken = 0; taken < turns;) {
    await pause(between(30, 250), undefined, { signal });
    tell({ kind: 'waits', at: machineTimeMs() });
    try {
      await lock.hold(takeTurn, { signal });
      tell({ kind: 'rests', turns: ++taken, at: machineTimeMs() });
    } catch (error) {
      if (!(error instanceof LockLostError)) throw error;
      tell({ kind: 'lost', reason: error.reason, at: machineTimeMs() });
    }
  }
  tell({ kind: 'done', at: machineTimeMs() });
}

/** Reads a number, takes its time, writes the next one: two of these at once would lose a count. */
async function takeTurn(handle: LockHandle): Promise<void> {
  // Before anything else, as the leaving comes after everything else: nobody must seem to hold for less than it did.
  const at = machineTimeMs();
  const workMs = between(200, 400);
  const { fencingToken: token, isHeld, remainingMs } = handle;
  tell({ kind: 'holds', token, isHeld, believesUntil: machineTimeMs() + remainingMs, workMs, at });
  let written: { counter: number } | undefined;
  try {
    const [row] = await handle.transaction([{ KV: { Verb: 'get', Key: counterKey } }]);
    const counter = Number(Buffer.from(row?.KV.Value ?? '', 'base64').toString());
    tell({ kind: 'reads', counter, at: machineTimeMs() });
    await pause(workMs, undefined, { signal });
    const Value = Buffer.from(String(counter + 1)).toString('base64');
    await handle.transaction([{ KV: { Verb: 'set', Key: counterKey, Value } }]);
    written = { counter: counter + 1 };
  } finally {
    tell({ kind: 'leaves', isHeld: handle.isHeld, ...written, at: machineTimeMs() });
  }
}

function tell(act: Act): void {
  // A parent that is gone hears nothing, and then we are about to end.
  process.send?.(act, undefined, undefined, () => {});
}

function between(least: number, most: number): number {
  return Math.round(least + Math.random() * (most - least));
}
