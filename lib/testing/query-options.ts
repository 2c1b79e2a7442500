import { Refusal } from './fake-reply.ts';
import { parseGoDuration, toMs } from './go-duration.ts';

/** How a read may wait, from `index` and `wait` of a request. */
export interface QueryOptions {
  readonly knownIndex: number;
  readonly waitMs: number;
}

const DEFAULT_WAIT_MS = 300_000;
const LONGEST_WAIT_MS = 600_000;

/** The server adds a random 16th to a wait; here it ends when it says, so that tests can tell when. */
export function parseQueryOptions(parameters: Readonly<Record<string, string>>): QueryOptions {
  const { index = '', wait = '' } = parameters;
  let waitMs = 0;
  try {
    if (wait !== '') waitMs = toMs(parseGoDuration(wait));
  } catch {
    throw new Refusal(400, 'Invalid wait time');
  }
  if (!/^\d*$/.test(index)) throw new Refusal(400, 'Invalid index');
  return {
    knownIndex: Number(index),
    waitMs: waitMs > 0 ? Math.min(waitMs, LONGEST_WAIT_MS) : DEFAULT_WAIT_MS,
  };
}

/** Go's `strconv.ParseUint`, for `flags` and `cas`. */
export function parseUint(value: string): number {
  if (!/^\d+$/.test(value)) throw new Refusal(500, `strconv.ParseUint: parsing "${value}": invalid syntax`);
  if (BigInt(value) >= 2n ** 64n) {
    throw new Refusal(500, `strconv.ParseUint: parsing "${value}": value out of range`);
  }
  // As JSON.parse reads it: inexact beyond 2^53.
  return Number(value);
}
