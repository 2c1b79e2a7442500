import {
  LINE_FAULTS,
  OUTSIDER_FAULTS,
  PROCESS_FAULTS,
  SERVER_FAULTS,
  type FaultKind,
  type LineFault,
  type OutsiderFault,
  type ProcessFault,
  type ServerFault,
} from '../history/facts.ts';
import { Seeded } from './seeded.ts';
import { CONTENDERS } from './terms.ts';

export interface Step<Fault extends FaultKind = FaultKind> {
  readonly fault: Fault;
  /** After the step before it is over. */
  readonly gapMs: number;
  readonly durationMs: number;
  /** Which of the possible targets, from 0 to 1. */
  readonly aim: number;
  /** Of the requests on a line. */
  readonly share: number;
  /** Whether, on a line, only those suffer that take keys. */
  readonly takingsOnly: boolean;
  readonly lateMs: number;
}

/** Steps one after the other, of which the first `kinds` hold every kind of the track. */
export interface Track<Fault extends FaultKind = FaultKind> {
  readonly kinds: number;
  readonly steps: Generator<Step<Fault>, never>;
}

export interface Plan {
  /** One after the other, so that never more than one server is away. */
  readonly servers: Track<ServerFault>;
  /** Each for some contenders of its own. */
  readonly lines: readonly { readonly contenders: readonly number[]; readonly track: Track<LineFault> }[];
  readonly processes: Track<ProcessFault>;
  readonly outsider: Track<OutsiderFault>;
}

type Times = readonly [least: number, most: number];

const ON_LINES: Readonly<Record<LineFault, Times>> = {
  delay: [500, 2_500],
  freeze: [500, 2_500],
  reset: [500, 2_500],
  cut: [500, 2_500],
  lose: [500, 2_500],
  late: [1_000, 4_000],
  refuse: [500, 2_500],
};

/** What lands when its sender has given up is what locks die of: it comes more often than others. */
const LATE_ONES: readonly LineFault[] = ['late', 'late', 'freeze'];

/** Of which a contender can rid itself, when the line carries all else. */
const TAKINGS_ONLY: readonly FaultKind[] = ['late', 'lose', 'delay'];

/** Long enough for the sender of a request to give up, have success with another one, and be done. */
const LATE_MS: readonly Times[] = [
  [50, 500],
  [50, 2_500],
  [1_050, 1_800],
  [1_050, 2_500],
];

/** The same seed gives the same plan. The tracks run beside each other. */
export function planOf(seed: number): Plan {
  const contenders = Array.from({ length: CONTENDERS }, (_none, index) => index);
  return {
    servers: track(Seeded.named(seed, 'servers'), SERVER_FAULTS, [3_000, 8_000], {
      'leader-kill': [1_000, 3_500],
      // Long enough for the others to elect a new leader.
      'leader-stop': [3_500, 6_000],
      'follower-stop': [1_500, 4_000],
      'follower-kill': [1_000, 3_000],
      'agent-stop': [1_000, 4_000],
    }),
    lines: [0, 1].map((half) => ({
      contenders: contenders.filter((index) => index % 2 === half),
      track: track(Seeded.named(seed, `lines ${half}`), LINE_FAULTS, [500, 2_500], ON_LINES, LATE_ONES),
    })),
    processes: track(
      Seeded.named(seed, 'processes'),
      PROCESS_FAULTS,
      [2_000, 6_000],
      {
        'contender-kill': [200, 1_500],
        // Longer than most TTLs; the shorter ones end before Consul has ended the session, which takes up to twice its TTL.
        'contender-stop': [1_100, 4_500],
      },
      ['contender-stop'],
    ),
    outsider: track(Seeded.named(seed, 'outsider'), OUTSIDER_FAULTS, [800, 3_500], {
      'session-destroyed': [0, 0],
      'key-deleted': [0, 0],
      'force-released': [0, 0],
    }),
  };
}

function track<Fault extends FaultKind>(
  random: Seeded,
  faults: readonly Fault[],
  gaps: Times,
  durations: Readonly<Record<Fault, Times>>,
  oftener: readonly Fault[] = [],
): Track<Fault> {
  return { kinds: faults.length, steps: steps(random, faults, gaps, durations, oftener) };
}

function* steps<Fault extends FaultKind>(
  random: Seeded,
  faults: readonly Fault[],
  gaps: Times,
  durations: Readonly<Record<Fault, Times>>,
  oftener: readonly Fault[],
): Generator<Step<Fault>, never> {
  const first = random.shuffled(faults);
  for (;;) {
    const fault = first.shift() ?? random.pick([...faults, ...oftener]);
    const [shortestMs, longestMs] = durations[fault];
    yield {
      fault,
      gapMs: random.between(...gaps),
      durationMs: random.between(shortestMs, longestMs),
      aim: random.next(),
      share: random.pick([0.15, 0.3, 0.6, 1]),
      takingsOnly: TAKINGS_ONLY.includes(fault) && random.chance(0.7),
      lateMs: random.between(...random.pick(LATE_MS)),
    };
  }
}
