import type { Contestant } from './contestant.ts';

export const CONTESTANTS = [
  'consul-lock',
  'hand-written',
  'redlock',
  'etcd3',
  'raw-write',
  'raw-cycle',
  'client-write',
  'client-cycle',
  'bare-queue',
] as const;
export type ContestantName = (typeof CONTESTANTS)[number];

/** Each process loads the one that it needs: the others' packages may not be there. */
export async function openContestant(name: ContestantName, address: string): Promise<Contestant> {
  switch (name) {
    case 'consul-lock':
      return (await import('./consul-lock.ts')).openConsulLock(address);
    case 'hand-written':
      return (await import('./hand-written.ts')).openHandWritten(address);
    case 'raw-write':
      return await (await import('./raw-write.ts')).openRawWrite(address);
    case 'raw-cycle':
      return await (await import('./raw-cycle.ts')).openRawCycle(address);
    case 'client-write':
      return await (await import('./client-write.ts')).openClientWrite(address);
    case 'client-cycle':
      return await (await import('./client-cycle.ts')).openClientCycle(address);
    case 'bare-queue':
      return await (await import('./bare-queue.ts')).openBareQueue(address);
    case 'redlock':
      return (await import('./redlock.ts')).openRedlock(address);
    case 'etcd3':
      return (await import('./etcd3.ts')).openEtcd3(address);
  }
}
