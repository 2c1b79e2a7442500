import { createInterface } from 'node:readline';
import { EphemeralLock, type LockOptions } from '../../lib/index.ts';
import { clientFor } from './client.ts';

/** A process that takes a lock, and then does what it is told on its standard input, a word for each line. */
export interface HolderArgument {
  readonly address: string;
  readonly key: string;
  readonly options: LockOptions;
}

export interface HolderReport {
  readonly fencingToken: number;
  readonly sessionId: string;
  /** By the wall clock, which all processes of a machine share. */
  readonly deadline: number;
}

export interface HolderLook {
  readonly isHeld: boolean;
  readonly remainingMs: number;
}

const { address, key, options } = JSON.parse(process.argv[2]!) as HolderArgument;
const handle = await new EphemeralLock(key, { ...options, consulClient: clientFor(address) }).acquire();
const { fencingToken, sessionId } = handle;
report({ fencingToken, sessionId, deadline: Date.now() + handle.remainingMs } satisfies HolderReport);

for await (const word of createInterface(process.stdin)) {
  try {
    report(await obey(word));
  } catch (error) {
    report({ error: { name: (error as Error).name, code: (error as { code?: string }).code } });
  }
}

async function obey(word: string): Promise<unknown> {
  switch (word) {
    case 'look':
      return { isHeld: handle.isHeld, remainingMs: handle.remainingMs } satisfies HolderLook;
    case 'write':
      await handle.transaction([
        {
          KV: {
            Verb: 'set',
            Key: `${handle.fullKey}-written`,
            Value: Buffer.from('late').toString('base64'),
          },
        },
      ]);
      return 'written';
    case 'release':
      return { released: await handle.release() };
    default:
      throw new Error(`told to ${word}`);
  }
}

function report(what: unknown): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}
