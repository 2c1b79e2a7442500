/**
 * What a run is made with. Short times let it see many acquisitions, losses and elections; all contenders share few keys,
 * so that they meet.
 */
export const CONTENDERS = 6;
export const CALLERS = 4;
export const KEYS = ['a', 'b', 'c', 'd'] as const;
export const TTLS_MS = [1_000, 1_500, 2_000] as const;
export const LONGEST_TTL_MS = 2_000;
export const LONGEST_LOCK_DELAY_MS = 2_500;
export const REQUEST_TIMEOUT_MS = 1_000;
export const RETRY_TIMEOUT_MS = 1_500;
