import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Contestant, Release } from '../contestants/contestant.ts';
import type { MemoryReport } from './messages.ts';

// As many at a time before as while it counts: connections are no part of a held lock.
const AT_A_TIME = 8;
const FOR_WARMING_UP = 200;

/** What the heap grows by for each held lock. */
export async function memory(contestant: Contestant, { locks }: { locks: number }): Promise<MemoryReport> {
  await giveBack(await hold(contestant, 'warm', FOR_WARMING_UP));
  const before = await heapUsed();
  const held = await hold(contestant, 'held', locks);
  const after = await heapUsed();
  await giveBack(held);
  return { bytesPerLock: (after - before) / locks };
}

async function hold(contestant: Contestant, name: string, locks: number): Promise<Release[]> {
  const held: Release[] = [];
  await severalAtATime(locks, async (number) => {
    const lock = contestant.lockOn(`bench/memory/${name}/${number}`, { waitMs: 0 });
    held.push(await lock.acquire());
  });
  return held;
}

async function giveBack(held: readonly Release[]): Promise<void> {
  await severalAtATime(held.length, async (number) => await held[number]!());
}

async function severalAtATime(count: number, act: (number: number) => Promise<void>): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < count) await act(next++);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, one));
}

async function heapUsed(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let round = 0; round < 4; round++) {
    await pause(50);
    collect();
  }
  return process.memoryUsage().heapUsed;
}
