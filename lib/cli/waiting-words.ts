import { setTimeout as pause } from 'node:timers/promises';
import { inspectLock } from '../index.ts';
import { failureOf } from './exit-codes.ts';
import { whoHolds } from './lock-words.ts';
import { printable } from './printable.ts';
import { say, type Streams } from './streams.ts';

/** What is free, or soon free, needs no words. */
const SILENT_MS = 300;
const LOOK_EVERY_MS = 2_000;

/** Says who has the lock that is waited for, and again when that has changed, until `signal` aborts. Never rejects. */
export async function tellWhoHolds(key: string, streams: Streams, signal: AbortSignal): Promise<void> {
  let told: string | undefined;
  const lookIn = async (ms: number): Promise<void> => {
    await pause(ms, undefined, { signal, ref: false });
    const words = await lookAt(key);
    if (signal.aborted || words === told) return;
    told = words;
    say(streams, `waiting for ${printable(key)}: ${words}`);
  };
  try {
    await lookIn(SILENT_MS);
    for (;;) await lookIn(LOOK_EVERY_MS);
  } catch {
    // The waiting is over.
  }
}

async function lookAt(key: string): Promise<string> {
  try {
    const info = await inspectLock(key);
    return info?.locked === true ? whoHolds(info) : 'nobody has it; its lock delay may be running';
  } catch (error) {
    return failureOf(error).words;
  }
}
