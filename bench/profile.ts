import { cycleSteps } from './contests/cycle-steps.ts';
import { handOverPaths, STEPS } from './contests/hand-over-path.ts';
import { loopsByTurns, type Looper } from './contests/loops-by-turns.ts';
import { ownCode } from './contests/own-code.ts';
import { profiledLoop } from './contests/profiled-loop.ts';
import { staysByTurns } from './contests/stays-by-turns.ts';
import { writeByParts } from './contests/write-by-parts.ts';
import type { ContestantName } from './contestants/open-contestant.ts';
import { ORIGINS } from './measures/cpu-times.ts';
import { sum } from './measures/statistics.ts';
import { CYCLE_STEPS } from './process/messages.ts';
import { aligned } from './report/table.ts';
import { ConsulBenchServer } from './servers/consul-bench-server.ts';

/** Of each process: long enough for its code to be compiled. */
const WARM_UP_MS = 6_000;

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

/** A question about where the time of a lock goes, and the table that answers it. */
interface Part {
  readonly title: string;
  readonly seconds: number;
  readonly measure: (address: string) => Promise<string>;
}

/** For figures that miss their target. */
const PARTS: readonly Part[] = [
  { title: 'how long a lock takes, by turns', seconds: 220, measure: timesByTurns },
  { title: "whose code takes the processor's time", seconds: 110, measure: cpuTimes },
  { title: 'the code of this library alone, on a client in memory', seconds: 20, measure: timesOfOwnCode },
  { title: 'the lock of a single caller, step by step', seconds: 84, measure: stepsOfCycle },
  { title: 'the write of a handing over, part by part', seconds: 31, measure: partsOfWrite },
  { title: 'from process to process, step by step', seconds: 38, measure: stepsOfHandOver },
  { title: 'several processes of several callers', seconds: 100, measure: stays },
];

const consul = await ConsulBenchServer.start();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
try {
  for (const { title, seconds, measure } of PARTS) {
    console.log(`${title}: about ${seconds} s`);
    console.log(`\n${await measure(consul.address)}\n`);
  }
} finally {
  await consul.stop();
}
process.exit();

async function timesByTurns(address: string): Promise<string> {
  const times = await loopsByTurns(CASES, {
    address,
    warmUpMs: 2 * CASES.length * WARM_UP_MS,
    forMs: 120_000,
  });
  const lines = CASES.map((looper, index) => {
    const { us, underWayUs } = times[index]!;
    const { us: limitUs } = times[CASES.findIndex(({ contestant }) => contestant === looper.limit)]!;
    return [nameOf(looper), ...inUs([us, underWayUs, us - underWayUs]), (us / limitUs).toFixed(2)];
  });
  const head = ['µs for each lock, mean', 'in all', 'a request is under way', 'none is', '÷ raw'];
  return aligned([head, ...lines], 1);
}

async function cpuTimes(address: string): Promise<string> {
  const lines: string[][] = [];
  for (const looper of CASES) {
    const spent = await profiledLoop(looper, { address, warmUpMs: WARM_UP_MS, forMs: 6_000 });
    lines.push([nameOf(looper), ...inUs(ORIGINS.map((origin) => spent[origin]))]);
  }
  return aligned([['µs of CPU for each lock', ...ORIGINS], ...lines], 1);
}

async function timesOfOwnCode(): Promise<string> {
  const { atOnceUs, withPausesUs } = await ownCode();
  return (
    `µs of CPU for each lock, this library alone: ${atOnceUs.toFixed(1)} with answers at once, ` +
    `${withPausesUs.toFixed(1)} with answers after a millisecond`
  );
}

async function stepsOfCycle(address: string): Promise<string> {
  const names = ['raw-cycle', 'client-cycle', 'consul-lock'] as const;
  const cycles = await cycleSteps(names, { address, warmUpMs: 24_000, forMs: 60_000 });
  const lines = cycles.map(({ stepsUs, cycleUs, plainShare }, index) => [
    names[index]!,
    ...inUs([...stepsUs, sum(stepsUs), cycleUs]),
    inPercent(plainShare, 1),
  ]);
  const head = ['µs of each step, mean', ...CYCLE_STEPS, 'together', 'of all locks', 'with two requests'];
  return aligned([head, ...lines], 1);
}

async function partsOfWrite(address: string): Promise<string> {
  const parts = await writeByParts(address, { warmUpMs: WARM_UP_MS, forMs: 25_000 });
  const lines = parts.map(({ name, medianUs, meanUs }) => [name, ...inUs([medianUs, meanUs])]);
  return aligned([['µs for each write', 'median', 'mean'], ...lines], 1);
}

async function stepsOfHandOver(address: string): Promise<string> {
  const names = ['raw-cycle', 'consul-lock'] as const;
  const moments = await handOverPaths(names, { address, warmUpMs: WARM_UP_MS, forMs: 20_000 });
  const lines = moments.map((us, index) => [names[index]!, ...inUs(us)]);
  return aligned([['µs since the call of release', ...STEPS], ...lines], 1);
}

async function stays(address: string): Promise<string> {
  const figures = await staysByTurns(address, { warmUpMs: 40_000, forMs: 60_000 });
  const lines = figures.map(({ name, locks, meanUs, medianUs, share }) => [
    name,
    String(locks),
    ...inUs([medianUs, meanUs]),
    inPercent(share, 0),
  ]);
  return aligned([['µs from lock to lock, by turns', 'locks', 'median', 'mean', 'of the time'], ...lines], 1);
}

function nameOf({ contestant, callers }: Looper): string {
  return `${contestant}, ${callers} caller(s)`;
}

function inUs(times: readonly number[]): string[] {
  return times.map((us) => us.toFixed(0));
}

function inPercent(share: number, digits: number): string {
  return `${(share * 100).toFixed(digits)} %`;
}
