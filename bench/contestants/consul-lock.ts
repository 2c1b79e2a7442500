import { EphemeralLock, shutdown } from '../../lib/index.ts';
import type { BenchLock, Contestant, LockTerms, Release } from './contestant.ts';

/** This library as it comes: its own client, and no option but how long to wait. */
export function openConsulLock(address: string): Contestant {
  process.env['CONSUL_HTTP_ADDR'] = address;
  return { lockOn, close: async () => await shutdown() };
}

function lockOn(key: string, { waitMs }: LockTerms): BenchLock {
  const lock = new EphemeralLock(key, { acquireTimeoutMs: waitMs });
  return {
    async acquire(): Promise<Release> {
      const handle = await lock.acquire();
      if (!handle.isHeld) throw new Error('the lock is not held at its acquisition');
      return async () => {
        if (!(await handle.release())) throw new Error('the lock was no longer ours at its release');
      };
    },
  };
}
