/**
 * What a run is made with. Short times let it see many acquisitions, losses and elections; all contenders share few keys,
 * so that they meet; at the
 * quiet keys, what lands late finds nobody.
 */
export const CONTENDERS = 6;
export const CALLERS = 4;
export const BUSY_KEYS = ['a', 'b', 'c'] as const;
export const QUIET_KEYS = ['q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z'] as const;
export const KEYS = [...BUSY_KEYS, ...QUIET_KEYS] as const;
/** The longest is rare: what is left behind under it stays long enough to be seen. */
export const TTLS_MS = [1_000, 1_000, 1_500, 1_500, 2_000, 2_000, 4_000] as const;
export const LONGEST_TTL_MS = 4_000;
export const LONGEST_LOCK_DELAY_MS = 4_500;
export const REQUEST_TIMEOUT_MS = 1_000;
export const RETRY_TIMEOUT_MS = 1_500;
