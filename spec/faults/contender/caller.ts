import { setTimeout as pause } from 'node:timers/promises';
import type Consul from 'consul';
import { EphemeralLock, type LockHandle } from '../../../lib/index.ts';
import { failureOf } from './failure.ts';
import { acquireLimitMs, acquireOptions, drawRecipe, type Recipe } from './recipe.ts';
import { createOwnSession, destroyOwnSession } from './session-of-ones-own.ts';
import { work, type Worker } from './work.ts';

/** One of a contender's concurrent callers: takes locks, works and gives back until `isOver`. */
export async function call(client: Consul, worker: Worker, isOver: () => boolean): Promise<void> {
  const { random, run } = worker;
  while (!isOver()) {
    const recipe = drawRecipe(random, run);
    const session = recipe.adopted ? await createOwnSession(client, run, recipe.ttlMs) : undefined;
    const adopted = session !== undefined;
    const options = { ...recipe.options, consulClient: client, ...(adopted && { session }) };
    const drawn = { ...recipe, adopted, options };
    await use(drawn, worker);
    // A quick second time finds the session of the first in the pool.
    if (random.chance(0.25) && !isOver()) await use({ ...drawn, abortAfterMs: undefined }, worker);
    if (adopted) await destroyOwnSession(client, session);
    await pause(random.between(0, 120));
  }
}

async function use(recipe: Recipe, worker: Worker): Promise<void> {
  const { testimony } = worker;
  const { verb, keys, ttlMs, lockDelayMs, adopted, acquireTimeoutMs } = recipe;
  const id = testimony.nextId();
  // The value tells the laboratory whose a key is.
  const lock = new EphemeralLock(keys, { ...recipe.options, generateValue: () => id });
  const limitMs = acquireLimitMs(acquireTimeoutMs);
  testimony.tell({ kind: 'attempt', id, verb, keys, limitMs, ttlMs, lockDelayMs, adopted });
  try {
    if (verb === 'hold') await hold(lock, id, recipe, worker);
    else {
      const handle = await lock[verb](acquireOptions(recipe));
      if (handle === null) testimony.tell({ kind: 'refused', id });
      else {
        enter(id, handle, worker);
        await work(id, handle, recipe, worker);
        if (!recipe.forgets) await release(id, handle, worker);
      }
    }
  } catch (error) {
    testimony.tell({ kind: 'rejected', id, ...failureOf(error) });
  }
}

function enter(id: string, handle: LockHandle, { testimony }: Worker): void {
  testimony.tell({ kind: 'acquired', id, token: handle.fencingToken, session: handle.sessionId });
  testimony.sampler.add(id, handle);
}

/** What `hold` does after its function is a release: with the limit of one. */
async function hold(lock: EphemeralLock, id: string, recipe: Recipe, worker: Worker): Promise<void> {
  let onWorked = (): void => {};
  const worked = new Promise<void>((resolve) => (onWorked = resolve));
  const held = lock.hold(async (handle) => {
    enter(id, handle, worker);
    await work(id, handle, recipe, worker);
    onWorked();
  }, acquireOptions(recipe));
  await Promise.race([worked, held]);
  // Its rejection for a loss is the answer of the giving back: false. Fulfilled, it does not say that Consul was told.
  await worker.testimony.call(id, 'release', async () => {
    try {
      await held;
      return { code: 'FULFILLED', message: '' };
    } catch (error) {
      if (failureOf(error).code === 'LOCK_LOST') return { value: false };
      throw error;
    }
  });
}

async function release(id: string, handle: LockHandle, { random, testimony }: Worker): Promise<void> {
  const once = async (): Promise<unknown> =>
    await testimony.call(id, 'release', async () => ({ value: await handle.release() }));
  await Promise.all(random.chance(0.1) ? [once(), once()] : [once()]);
}
