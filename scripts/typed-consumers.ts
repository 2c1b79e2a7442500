import type { PackedPackage } from './packed-package.ts';

const BODY = `
  configure({ consulClient: new Consul(), logger: pino(), renew: { maxHoldMs: 60_000 } });
  const options: LockOptions = { consulClient: new FakeConsul(), lockTimeoutMs: 30_000 };
  const lock = new EphemeralLock(['a', 'b'], options);
  const call: AcquireOptions = { acquireTimeoutMs: 5_000, signal: AbortSignal.timeout(1_000) };

  export async function use(): Promise<Partial<LockInfo>> {
    const certain: LockHandle = await lock.acquire({ acquireTimeoutMs: 5_000 });
    const perhaps: LockHandle | null = await lock.tryAcquire(call);
    const length: number = await lock.hold((handle) => handle.keys.length);
    await using disposed = await lock.tryAcquire();
    if (perhaps === null && disposed === null) return {};
    const write: KvOperation = { KV: { Verb: 'set', Key: 'k', Value: '' } };
    const results: readonly KvResult[] = await certain.transaction([write]);
    return { fencingToken: certain.fencingToken + length + results.length };
  }

  export const told = channel('consul-lock:lost');
  told.subscribe((message) => console.log((message as LostMessage).reason satisfies LossReason));
  export { LockLostError };
`;

const TYPES = `AcquireOptions, KvOperation, KvResult, LockHandle, LockInfo, LockOptions, LossReason, LostMessage`;

const MODULE = `
  import { channel } from 'node:diagnostics_channel';
  import Consul from 'consul';
  import { pino } from 'pino';
  import { configure, EphemeralLock, LockLostError } from 'consul-lock';
  import type { ${TYPES} } from 'consul-lock';
  import { FakeConsul } from 'consul-lock/testing';
  ${BODY}
`;

const COMMON_JS = MODULE.replace("import Consul from 'consul'", "import Consul = require('consul')");

const STRICT =
  '--noEmit --strict --exactOptionalPropertyTypes --noUncheckedIndexedAccess --skipLibCheck false --target es2022 --types node';

/** How a consumer's program is compiled. */
export interface Consumer {
  readonly title: string;
  readonly file: string;
  readonly source: string;
  readonly options: readonly string[];
  /** The first version of TypeScript that knows of it. */
  readonly since: number;
}

export const CONSUMERS: readonly Consumer[] = [
  {
    title: 'nodenext',
    file: 'typed.mts',
    source: MODULE,
    options: ['--module', 'nodenext'],
    since: 5.5,
  },
  {
    title: 'bundler',
    file: 'bundled.ts',
    source: MODULE,
    options: ['--module', 'esnext', '--moduleResolution', 'bundler', '--esModuleInterop'],
    since: 5.5,
  },
  {
    title: 'CommonJS',
    file: 'typed.cts',
    source: COMMON_JS,
    // Earlier ones do not know that `require` can load the package.
    options: ['--module', 'nodenext'],
    since: 5.8,
  },
];

/** Throws when a strict program that uses the package does not compile. */
export function compileConsumer(
  packed: PackedPackage,
  tsc: string,
  { file, source, options }: Consumer,
): void {
  packed.write(file, source);
  packed.run(process.execPath, [tsc, ...STRICT.split(' '), ...options, file]);
}
