import { setTimeout as pause } from 'node:timers/promises';
import type { LockHandle } from '../../../lib/index.ts';
import type { Answer, HandleCall } from '../history/facts.ts';
import { machineTimeMs } from '../history/machine-time.ts';
import { registerOf } from '../laboratory/assignment.ts';
import type { Seeded } from '../laboratory/seeded.ts';
import type { Recipe } from './recipe.ts';
import { registerOperations, registerStates } from './register.ts';
import type { Testimony } from './testimony.ts';

export interface Worker {
  readonly run: string;
  readonly random: Seeded;
  readonly testimony: Testimony;
}

/** A pause that ends so late was one of the whole process, and this is what its work then still takes. */
const STOPPED_MS = 500;
const STILL_TO_DO_MS = [100, 1_000] as const;

type Deed = Exclude<HandleCall, 'release'>;

/** What a holder does with its time. It goes on when the lock is lost: then it must be told so each time. */
export async function work(id: string, handle: LockHandle, recipe: Recipe, worker: Worker): Promise<void> {
  const { random, testimony } = worker;
  if (recipe.readsSignal) testimony.watch(id, handle);
  let until = machineTimeMs() + recipe.workMs;
  while (machineTimeMs() < until) {
    if (random.chance(0.6)) await perform(random.pick(DEEDS), id, handle, worker);
    const wakesAt = Math.min(machineTimeMs() + random.between(5, 150), until);
    await pause(Math.max(0, wakesAt - machineTimeMs()));
    // Whoever was stopped still has its work to do.
    const lateMs = machineTimeMs() - wakesAt;
    if (lateMs > STOPPED_MS) until += lateMs + random.between(...STILL_TO_DO_MS);
  }
}

const DEEDS: readonly Deed[] = ['verify', 'renew', 'transaction', 'transaction', 'transaction'];

async function perform(
  deed: Deed,
  id: string,
  handle: LockHandle,
  { run, random, testimony }: Worker,
): Promise<void> {
  const deeds: Record<Deed, () => Promise<Answer>> = {
    verify: async () => ({ value: await handle.verify() }),
    renew: async () => {
      await handle.renew();
      return { value: true };
    },
    transaction: async () => {
      const register = registerOf(run, random.pick(handle.keys));
      const content = { token: handle.fencingToken, id };
      const operations = registerOperations(register, content);
      if (random.chance(0.05)) {
        operations.push({
          KV: { Verb: 'set', Key: handle.fullKey, Value: Buffer.from(id).toString('base64') },
        });
      }
      return { registers: registerStates(register, content, await handle.transaction(operations)) };
    },
  };
  await testimony.call(id, deed, deeds[deed]);
}
