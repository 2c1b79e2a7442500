import { Session } from 'node:inspector/promises';
import { originsOf, type Profile } from './measures/origins.ts';
import { machineMs } from './measures/machine-clock.ts';
import { RequestGaps } from './measures/request-gaps.ts';
import { mean, median, sum } from './measures/statistics.ts';
import { cycleSteps } from './contests/cycle-steps.ts';
import { loopsByTurns, type Looper } from './contests/loops-by-turns.ts';
import { openContestant, type ContestantName } from './contestants/open-contestant.ts';
import { handOverPaths, STEPS } from './contests/hand-over-path.ts';
import { ownCode } from './contests/own-code.ts';
import { staysByTurns } from './contests/stays-by-turns.ts';
import { writeByParts } from './contests/write-by-parts.ts';
import { loop } from './process/loop.ts';
import { CYCLE_STEPS } from './process/messages.ts';
import { aligned } from './report/table.ts';
import { ConsulBenchServer } from './servers/consul-bench-server.ts';

const WARM_UP_MS = 6_000;
const TIMED_MS = 5_000;
const PROFILED_MS = 6_000;
/** Of all parts together. */
const BY_PARTS_MS = 25_000;
const WALKED_MS = 20_000;
/** Of all cases together: long enough for the code of each to be compiled. */
const BY_TURNS_WARM_UP_MS = 42_000;
const BY_TURNS_MS = 98_000;

const STEPS_WARM_UP_MS = 24_000;
const STEPS_MS = 60_000;

/** Of all crews together: a process of several comes to a quarter of the locks. */
const STAYS_WARM_UP_MS = 40_000;
const STAYS_MS = 60_000;

/**
 * Where the time of the callers of one process goes, for figures that miss their target: first unprofiled, under way and
 * between an answer and the next request; then the CPU time, by whose code it is, and of this library's code alone; then by turns with raw requests. The lock of
 * a single caller, step by step. What the write of a hand-over takes, part by part. What happens when one process hands a lock over to another, step by
 * step. And how the time of several processes of several callers divides.
 */
const CASES: readonly (Looper & { readonly limit: ContestantName })[] = [
  { contestant: 'raw-write', callers: 1, limit: 'raw-write' },
  { contestant: 'client-write', callers: 1, limit: 'raw-write' },
  { contestant: 'bare-queue', callers: 50, limit: 'raw-write' },
  { contestant: 'consul-lock', callers: 50, limit: 'raw-write' },
  { contestant: 'raw-cycle', callers: 1, limit: 'raw-cycle' },
  { contestant: 'client-cycle', callers: 1, limit: 'raw-cycle' },
  { contestant: 'consul-lock', callers: 1, limit: 'raw-cycle' },
  { contestant: 'hand-written', callers: 1, limit: 'raw-cycle' },
];

const consul = await ConsulBenchServer.start();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
try {
  const [times, lines]: [string[][], string[][]] = [[], []];
  for (const { contestant: name, callers } of CASES) {
    console.log(`${name}, ${callers} caller(s): ${(WARM_UP_MS + TIMED_MS + PROFILED_MS) / 1_000} s`);
    const contestant = await openContestant(name, consul.address);
    const startAt = machineMs();
    const from = startAt + WARM_UP_MS + TIMED_MS;
    const to = from + PROFILED_MS;
    using gaps = new RequestGaps(() => machineMs() >= startAt + WARM_UP_MS && machineMs() < from);
    const looping = loop(contestant, { key: `bench/profile/${name}/${callers}`, callers, startAt, from, to });
    const profile = await profiled(WARM_UP_MS + TIMED_MS, PROFILED_MS);
    const { locks } = await looping;
    const usPerLock = [...originsOf(profile)].map(([, us]) => (us / locks).toFixed(0));
    lines.push([`${name}, ${callers} caller(s)`, ...usPerLock]);
    const figures = [gaps.underWay, gaps.between].flatMap((us) => [median(us), mean(us)]);
    times.push([`${name}, ${callers} caller(s)`, ...figures.map((us) => us.toFixed(0))]);
  }
  console.log('the code of this library alone, on a client in memory');
  const own = await ownCode();
  console.log(`by turns: ${(BY_TURNS_WARM_UP_MS + BY_TURNS_MS) / 1_000} s`);
  const turns = { address: consul.address, warmUpMs: BY_TURNS_WARM_UP_MS, forMs: BY_TURNS_MS };
  const usByTurns = await loopsByTurns(CASES, turns);
  const cyclists = ['raw-cycle', 'client-cycle', 'consul-lock'] as const;
  console.log(`the lock of a single caller, step by step: ${(STEPS_WARM_UP_MS + STEPS_MS) / 1_000} s`);
  const stepped = { address: consul.address, warmUpMs: STEPS_WARM_UP_MS, forMs: STEPS_MS };
  const cycles = await cycleSteps(cyclists, stepped);
  console.log(`the write of a hand-over, part by part: ${(WARM_UP_MS + BY_PARTS_MS) / 1_000} s`);
  const parts = await writeByParts(consul.address, { warmUpMs: WARM_UP_MS, forMs: BY_PARTS_MS });
  const walkers = ['raw-cycle', 'consul-lock'] as const;
  console.log(`from process to process: ${(3 * WARM_UP_MS + WALKED_MS) / 1_000} s`);
  const walked = { address: consul.address, warmUpMs: WARM_UP_MS, forMs: WALKED_MS };
  const moments = await handOverPaths(walkers, walked);
  console.log(`several processes of several callers: ${(STAYS_WARM_UP_MS + STAYS_MS) / 1_000} s`);
  const stays = await staysByTurns(consul.address, { warmUpMs: STAYS_WARM_UP_MS, forMs: STAYS_MS });
  const paths = walkers.map((name, index) => [name, ...moments[index]!.map((us) => us.toFixed(0))]);
  const head = ['µs of CPU for each lock', ...originsOf({ nodes: [], samples: [], timeDeltas: [] }).keys()];
  const timesHead = ['µs for each request', 'under way, median', 'mean', 'until the next, median', 'mean'];
  console.log(`\n${aligned([timesHead, ...times], 1)}\n\n${aligned([head, ...lines], 1)}`);
  console.log(
    `\nµs of CPU for each lock, this library alone: ${own.atOnceUs.toFixed(1)} with answers at once, ` +
      `${own.withPausesUs.toFixed(1)} with answers after a millisecond`,
  );
  const turnLines = CASES.map(({ contestant: name, callers, limit }, index) => {
    const rawUs = usByTurns[CASES.findIndex(({ contestant }) => contestant === limit)]!;
    const us = usByTurns[index]!;
    return [`${name}, ${callers} caller(s)`, us.toFixed(0), (us / rawUs).toFixed(2)];
  });
  console.log(`\n${aligned([['µs for each lock, by turns', 'mean', '÷ raw'], ...turnLines], 1)}`);
  const cycleLines = cycles.map(({ stepsUs, cycleUs, plainShare }, index) => [
    cyclists[index]!,
    ...[...stepsUs, sum(stepsUs), cycleUs].map((us) => us.toFixed(0)),
    `${(plainShare * 100).toFixed(1)} %`,
  ]);
  const cycleHead = [
    'µs of each step, mean',
    ...CYCLE_STEPS,
    'together',
    'of all locks',
    'with two requests',
  ];
  console.log(`\n${aligned([cycleHead, ...cycleLines], 1)}`);
  const partLines = parts.map(({ name, medianUs, meanUs }) => [name, medianUs.toFixed(0), meanUs.toFixed(0)]);
  console.log(`\n${aligned([['µs for each write', 'median', 'mean'], ...partLines], 1)}`);
  console.log(`\n${aligned([['µs since the call of release', ...STEPS], ...paths], 1)}`);
  const stayLines = stays.map(({ name, locks, meanUs, medianUs, share }) => [
    name,
    String(locks),
    medianUs.toFixed(0),
    meanUs.toFixed(0),
    `${(share * 100).toFixed(0)} %`,
  ]);
  console.log(
    `\n${aligned([['µs from lock to lock, by turns', 'locks', 'median', 'mean', 'of the time'], ...stayLines], 1)}`,
  );
} finally {
  await consul.stop();
}
process.exit();

async function profiled(afterMs: number, forMs: number): Promise<Profile> {
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  const inspector = new Session();
  inspector.connect();
  await inspector.post('Profiler.enable');
  await inspector.post('Profiler.setSamplingInterval', { interval: 200 });
  await inspector.post('Profiler.start');
  await new Promise((resolve) => setTimeout(resolve, forMs));
  const { profile } = await inspector.post('Profiler.stop');
  inspector.disconnect();
  return profile as Profile;
}
