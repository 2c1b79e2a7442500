import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { watchLoop } from '../contender/loop-watch.ts';
import { contenderOf, type FaultKind, type LaboratoryFact } from '../history/facts.ts';
import { Journal } from '../history/journal.ts';
import { machineTimeMs } from '../history/machine-time.ts';
import { lookAtAftermath } from './aftermath.ts';
import { Cluster } from './cluster.ts';
import { ContenderCrew } from './contender-crew.ts';
import { ElectionWatch } from './election-watch.ts';
import { FaultLog } from './fault-log.ts';
import { heldKeys } from './held-keys.ts';
import { KeyWatch } from './key-watch.ts';
import { inflictOnLine } from './line-faults.ts';
import { Outsider } from './outsider.ts';
import { planOf, type Step, type Track } from './plan.ts';
import { inflictOnProcess } from './process-faults.ts';
import { inflictOnServer } from './server-faults.ts';
import { CALLERS, CONTENDERS } from './terms.ts';

export interface ChaosTerms {
  readonly binary: string;
  readonly seed: number;
  readonly minutes: number;
  /** Where the history is written. */
  readonly folder: string;
  /** Ends the run before its time. */
  readonly signal: AbortSignal;
  readonly onFact?: (fact: LaboratoryFact) => void;
}

/** One run, from an empty cluster to a history in `folder`. */
export async function runChaos({ binary, seed, minutes, folder, signal, onFact }: ChaosTerms): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const journal = new Journal(join(folder, 'laboratory.jsonl'));
  const tell = (fact: LaboratoryFact): void => {
    journal.write(fact);
    onFact?.(fact);
  };
  watchLoop((before, at) => tell({ kind: 'lab-blocked', at, before }));
  const run = `chaos-${seed}`;
  try {
    await using cluster = await Cluster.start(binary);
    const elections = new ElectionWatch(cluster, tell);
    const keys = new KeyWatch(cluster, run, tell);
    try {
      await using crew = await ContenderCrew.start({ cluster, seed, run, folder, tell });
      tell({
        kind: 'run',
        at: machineTimeMs(),
        seed,
        minutes,
        contenders: CONTENDERS,
        callers: CONTENDERS * CALLERS,
      });
      await inflictAll({ seed, minutes, signal, cluster, crew, run, log: new FaultLog(tell) });
      await crew.dismiss();
      signal.throwIfAborted();
      await lookAtAftermath(cluster, run, tell);
    } finally {
      await Promise.all([elections.end(), keys.end()]);
    }
  } catch (error) {
    tell({ kind: 'trouble', at: machineTimeMs(), what: String((error as Error)?.stack ?? error) });
  }
}

async function inflictAll(scene: {
  readonly seed: number;
  readonly minutes: number;
  readonly signal: AbortSignal;
  readonly cluster: Cluster;
  readonly crew: ContenderCrew;
  readonly run: string;
  readonly log: FaultLog;
}): Promise<void> {
  const { seed, minutes, cluster, crew, log } = scene;
  const until = machineTimeMs() + minutes * 60_000;
  const plan = planOf(seed);
  const outsider = new Outsider(cluster, scene.run, log);
  const failure = new AbortController();
  const signal = AbortSignal.any([scene.signal, failure.signal]);
  const follow = async <Fault extends FaultKind>(
    { kinds, steps }: Track<Fault>,
    inflict: (step: Step<Fault>) => Promise<void>,
  ): Promise<void> => {
    let taken = 0;
    // However short the run, every kind has its turn.
    while (!signal.aborted && (taken++ < kinds || machineTimeMs() < until)) {
      const step = steps.next().value;
      await pause(step.gapMs, undefined, { signal }).catch(() => {});
      if (!signal.aborted && (taken <= kinds || machineTimeMs() < until)) await inflict(step);
    }
  };
  const tracks = [
    follow(plan.servers, async (step) => await inflictOnServer(step, cluster, log)),
    ...plan.lines.map(async ({ contenders, track }) => {
      const theirs = contenders.map((index) => crew.contenders[index]!);
      await follow(track, async (step) => await inflictOnLine(step, theirs, log));
    }),
    follow(plan.processes, async (step) => {
      const holders = (await heldKeys(cluster, scene.run)).map(({ holder }) => contenderOf(holder));
      await inflictOnProcess(step, crew, holders, log);
    }),
    follow(plan.outsider, async (step) => await outsider.intrude(step)),
  ];
  const ended = await Promise.allSettled(
    tracks.map(async (track) => {
      try {
        await track;
      } catch (error) {
        failure.abort(error);
        throw error;
      }
    }),
  );
  const failed = ended.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  if (!signal.aborted) await freezeAll(crew, log);
}

/** What all contenders asked for and gave up waiting for arrives at once, when they are about to leave. */
async function freezeAll({ contenders }: ContenderCrew, log: FaultLog): Promise<void> {
  const step = {
    fault: 'freeze',
    gapMs: 0,
    durationMs: 1_400,
    aim: 0,
    share: 1,
    takingsOnly: false,
    lateMs: 0,
  } as const;
  await Promise.all(contenders.map(async (contender) => await inflictOnLine(step, [contender], log)));
}
