import type { Contestant } from './contestant.ts';
import { requirePeer } from './require-peer.ts';

interface Redis {
  disconnect(): void;
}

interface Redlock {
  on(event: 'error', listener: () => void): void;
  acquire(resources: string[], durationMs: number): Promise<{ release(): Promise<unknown> }>;
}

const LOCK_TIMEOUT_MS = 30_000;

/** As it comes, except that it does not give up waiting after ten looks. */
export function openRedlock(address: string): Contestant {
  const { default: Redis } = requirePeer<{ default: new (port: number, host: string) => Redis }>('ioredis');
  const { default: Redlock } = requirePeer<{
    default: new (clients: Redis[], settings: { retryCount: number }) => Redlock;
  }>('redlock');
  const [host, port] = address.split(':');
  const redis = new Redis(Number(port), host!);
  const redlock = new Redlock([redis], { retryCount: -1 });
  // It reports each look at a lock that is held; what matters rejects as well.
  redlock.on('error', () => {});
  return {
    lockOn: (key) => ({
      async acquire() {
        const lock = await redlock.acquire([key], LOCK_TIMEOUT_MS);
        return async () => {
          await lock.release();
        };
      },
    }),
    close: async () => redis.disconnect(),
  };
}
