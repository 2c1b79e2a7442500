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

type Deed = Exclude<HandleCall, 'release'>;

/** What a holder does with its time. It goes on when the lock is lost: then it must be told so each time. */
export async function work(id: string, handle: LockHandle, recipe: Recipe, worker: Worker): Promise<void> {
  const { random, testimony } = worker;
  if (recipe.readsSignal) testimony.watch(id, handle);
  const until = machineTimeMs() + recipe.workMs;
  while (machineTimeMs() < until) {
    if (random.chance(0.6)) await perform(random.pick(DEEDS), id, handle, worker);
    await pause(Math.min(random.between(5, 150), Math.max(0, until - machineTimeMs())));
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
