export { FakeConsul, type FakeConsulOptions } from './fake-consul.ts';
export type { FakeOperation } from './fake-faults.ts';
export type { CallOptions, CallResult } from './call-options.ts';
export type { FakeKvCalls } from './kv-calls.ts';
export type { FakeSessionCalls } from './session-calls.ts';
export type { FakeTransactionCalls } from './transaction-calls.ts';
export type { SessionRow } from './fake-store.ts';
