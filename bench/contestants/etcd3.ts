import type { Contestant } from './contestant.ts';
import { requirePeer } from './require-peer.ts';

interface Etcd3 {
  lock(key: string): { acquire(): Promise<{ release(): Promise<unknown> }> };
  close(): void;
}

/** As it comes; its lock does not wait for others. */
export function openEtcd3(address: string): Contestant {
  const { Etcd3 } = requirePeer<{ Etcd3: new (options: { hosts: string }) => Etcd3 }>('etcd3');
  const etcd = new Etcd3({ hosts: `http://${address}` });
  return {
    lockOn: (key) => ({
      async acquire() {
        const lock = await etcd.lock(key).acquire();
        return async () => {
          await lock.release();
        };
      },
    }),
    close: async () => etcd.close(),
  };
}
