import fc from 'fast-check';
import type { Fate, Target } from './fate.ts';
import type { KeyName, LockTerms, Step, Terms, Use, Work } from './terms.ts';

/** How rough a world is. */
export interface Climate {
  /** Of a hundred steps. */
  readonly faults: number;
  readonly outsiders: number;
  readonly pauses: number;
  readonly shutdowns: number;
}

export interface Sequence {
  readonly terms: Terms;
  readonly steps: readonly Step[];
}

const KEYS: fc.Arbitrary<readonly KeyName[]> = fc.oneof(
  { weight: 6, arbitrary: fc.constant(['a'] as const) },
  { weight: 1, arbitrary: fc.constant(['b'] as const) },
  { weight: 1, arbitrary: fc.constant(['a', 'b'] as const) },
  { weight: 1, arbitrary: fc.constant(['b', 'a'] as const) },
);

const lockTerms: fc.Arbitrary<LockTerms> = fc.record({
  keys: KEYS,
  renew: fc.oneof(
    { weight: 4, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
    { weight: 1, arbitrary: fc.record({ maxHoldMs: fc.integer({ min: 1, max: 3_000 }) }) },
  ),
  isAdopted: fc.oneof(
    { weight: 9, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
  ),
});

const terms: fc.Arbitrary<Terms> = fc.record({
  seed: fc.nat(),
  ttlMs: fc.constantFrom(1_000, 300, 6_000, 30_000),
  lockDelayMs: fc.constantFrom(0, 0, 0, 200, 6_000),
  behavior: fc.constantFrom('delete', 'delete', 'release'),
  requestTimeoutMs: fc.constantFrom(100, 100, 1_000),
  retryTimeoutMs: fc.constantFrom(200, 0, 1_000),
  latencyMs: fc.constantFrom(0, 0, 5),
  isBrisk: fc.boolean(),
  isWatchful: fc.constantFrom(true, true, false),
  ending: fc.constantFrom('served', 'cancelled'),
  locks: fc.array(lockTerms, { minLength: 1, maxLength: 3 }),
});

const process = fc.nat({ max: 1 });
const of = fc.nat({ max: 5 });

const work: fc.Arbitrary<Work> = fc.record({
  ms: fc.constantFrom(0, 10, 100, 1_500),
  end: fc.constantFrom('returns', 'throws', 'releases'),
});

const USES: fc.Arbitrary<Use> = fc.constantFrom(
  'release',
  'release',
  'release',
  'release',
  'dispose',
  'renew',
  'renew',
  'verify',
  'signal',
  'signal',
  'assert',
  'write',
  'rewrite',
  'refused write',
);

const start: fc.Arbitrary<Step> = fc.record({
  do: fc.constantFrom('acquire', 'acquire', 'try', 'hold'),
  process,
  lock: fc.nat({ max: 2 }),
  timeoutMs: fc.constantFrom(0, Infinity, 300, 2_000),
  work,
});
const use: fc.Arbitrary<Step> = fc.record({ do: fc.constant('use'), of, how: USES });
const abort: fc.Arbitrary<Step> = fc.record({ do: fc.constant('abort'), of });
const advance: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('advance'),
  ms: fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: 0, max: 20 }) },
    { weight: 2, arbitrary: fc.integer({ min: 0, max: 400 }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 3_000 }) },
  ),
});
const turns: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('turns'),
  count: fc.integer({ min: 1, max: 12 }),
});

const done = fc.boolean();
const fate: fc.Arbitrary<Fate> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('refused', 'no-leader') }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('reset', 'rpc-error', 'empty'), done }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('silent'), done }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('late'),
      upMs: fc.constantFrom(0, 30, 150, 2_000),
      downMs: fc.constantFrom(0, 30, 150, 2_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('deposed') }) },
);
const target: fc.Arbitrary<Target> = fc.oneof(
  { weight: 4, arbitrary: fc.constant('write') },
  { weight: 4, arbitrary: fc.constantFrom('create', 'renew') },
  { weight: 4, arbitrary: fc.constantFrom('destroy', 'read') },
  { weight: 1, arbitrary: fc.constant('any') },
);
const fault: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('doom'),
      process,
      target,
      fate,
      times: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('heal') }) },
);
const outsider: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom('end session', 'end session', 'remove', 'overwrite', 'seize', 'force'),
      key: fc.constantFrom('a', 'a', 'a', 'b'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('yield') }) },
);
const pause: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('pause'),
      process,
      ms: fc.constantFrom(50, 500, 1_100, 2_500),
      first: fc.constantFrom('timers', 'answers'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('set wall'),
      process,
      ms: fc.constantFrom(-5_000, 50, 900, 5_000),
    }),
  },
);
const shutdown: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('shut down'),
  process,
  graceMs: fc.constantFrom(0, 100, 2_000),
});

/** Sequences of so many steps at most. */
export function sequences(climate: Climate, maxLength: number): fc.Arbitrary<Sequence> {
  const { faults, outsiders, pauses, shutdowns } = climate;
  const rest = 100 - faults - outsiders - pauses - shutdowns;
  const step = fc.oneof(
    { weight: 28 * rest, arbitrary: start },
    { weight: 27 * rest, arbitrary: use },
    { weight: 25 * rest, arbitrary: advance },
    { weight: 12 * rest, arbitrary: turns },
    { weight: 8 * rest, arbitrary: abort },
    { weight: 100 * faults, arbitrary: fault },
    { weight: 100 * outsiders, arbitrary: outsider },
    { weight: 100 * pauses, arbitrary: pause },
    { weight: 100 * shutdowns, arbitrary: shutdown },
  );
  return fc.record({ terms, steps: fc.array(step, { minLength: 1, maxLength, size: 'max' }) });
}
