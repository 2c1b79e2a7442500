export { EphemeralLock } from './ephemeral-lock.ts';
export { configure, defaults } from './settings.ts';
export { resetDefaults, shutdown } from './shutdown.ts';
export { consulFromEnv } from './consul-env.ts';
export { forceRelease, inspectLock, listLocks } from './inspection.ts';
export {
  ConsulLockError,
  ConsulRequestError,
  LockAcquisitionError,
  LockLostError,
  LockNotHeldError,
} from './errors.ts';
export type { LockHandle } from './lock-handle.ts';
export type { AcquireOptions, LockBehavior, LockOptions, RenewOptions } from './options.ts';
export type { ShutdownOptions } from './shutdown.ts';
export type { LockInfo } from './lock-info.ts';
export type { KeyOrKeys } from './lock-key.ts';
export type { ConsulClient } from './consul-client.ts';
export type { KvOperation } from './consul-gate.ts';
export type { KvResult } from './consul-answer.ts';
export type { ConsulRequestErrorCode, LockAcquisitionErrorCode, LossReason } from './errors.ts';
export type { AcquireMessage, HoldMessage, LostMessage, ReleaseMessage, RenewMessage } from './events.ts';
