import type { ContestantName } from '../contestants/open-contestant.ts';
import { machineMs } from '../measures/machine-clock.ts';
import { median } from '../measures/statistics.ts';
import type { RequestMoment } from '../process/messages.ts';
import { Crew } from './crew.ts';
import type { TurnsTimes } from './crews-by-turns.ts';
import { HandingToAndFro } from './handing-to-and-fro.ts';

/** What happens between the call of `release` in one process and the handle in the other, in its order. */
export const STEPS = [
  'giving back is sent',
  'answered',
  'the other is woken',
  'its taking is sent',
  'answered',
  'it has the lock',
] as const;

/** So often in a row, so that all contestants meet the same machine. */
const BY_TURNS = 10;

interface Walker {
  readonly handing: HandingToAndFro;
  readonly paths: number[][];
}

/** The median moment of each step for each contestant, in microseconds from the call of `release`. */
export async function handOverPaths(
  contestants: readonly ContestantName[],
  { address, warmUpMs, forMs }: TurnsTimes,
): Promise<number[][]> {
  const crewsOf = contestants.map((contestant) => ({ contestant, address }));
  return await Crew.duringAll(2, crewsOf, async (crews) => {
    const walkers: Walker[] = [];
    for (const [index, crew] of crews.entries()) {
      const key = `bench/path/${contestants[index]}`;
      await crew.warmUp(key, warmUpMs);
      walkers.push({ handing: await HandingToAndFro.start(crew, key), paths: [] });
    }
    const from = machineMs() + warmUpMs;
    while (machineMs() < from + forMs) {
      for (const { handing, paths } of walkers) {
        for (let turn = 0; turn < BY_TURNS; turn++) {
          const { calledAt, path } = await walkOnce(handing);
          if (path && calledAt >= from) paths.push(path);
        }
      }
    }
    for (const { handing } of walkers) await handing.end();
    return walkers.map(({ paths }) => STEPS.map((_step, index) => median(paths.map((path) => path[index]!))));
  });
}

async function walkOnce(
  handing: HandingToAndFro,
): Promise<{ readonly calledAt: number; readonly path: number[] | undefined }> {
  const { calledAt, settledAt, from: giver, to: taker } = await handing.handOver();
  const [givingBack, taking] = [await giver.ask('path', undefined), await taker.ask('path', undefined)];
  return { calledAt, path: stepsOf(calledAt, settledAt, givingBack, taking) };
}

/** Undefined where the waiter was not woken by its blocking query. */
function stepsOf(
  calledAt: number,
  settledAt: number,
  givingBack: readonly RequestMoment[],
  taking: readonly RequestMoment[],
): number[] | undefined {
  const after = (
    moments: readonly RequestMoment[],
    what: RequestMoment['what'],
    request: string,
    at = calledAt,
  ): number =>
    moments.find((one) => one.at >= at && one.what === what && one.request.startsWith(request))?.at ?? NaN;
  const wokenAt = after(taking, 'answered', 'GET /v1/kv/');
  const sentAt = after(taking, 'sent', 'PUT /v1/txn', wokenAt);
  const moments = [
    after(givingBack, 'sent', 'PUT /v1/txn'),
    after(givingBack, 'answered', 'PUT /v1/txn'),
    wokenAt,
    sentAt,
    after(taking, 'answered', 'PUT /v1/txn', sentAt),
    settledAt,
  ].map((at) => (at - calledAt) * 1_000);
  return moments.some(Number.isNaN) ? undefined : moments;
}
