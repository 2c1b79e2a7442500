import { compileForChildren } from './compiled.ts';
import { findConsul, type FoundConsul } from './consul-server/find-consul.ts';
import { publishConsulUnderTest } from './consul-under-test.ts';

declare global {
  var consulOfThisRun: FoundConsul | undefined;
}

// A default export because jest asks for one.
export default async function globalSetup(): Promise<void> {
  const [consul] = await Promise.all([findConsul(), compileForChildren()]);
  globalThis.consulOfThisRun = consul;
  publishConsulUnderTest(consul);
}
