import { findConsul, type FoundConsul } from '../spec/support/consul-server/find-consul.ts';
import type { Scene } from './acts.ts';
import { machineTimeMs } from './clock.ts';
import { startContender, type Contender } from './crew.ts';
import { History } from './history.ts';
import { Interruption } from './interruption.ts';
import { Look } from './look.ts';
import { paint } from './paint.ts';
import { prove } from './proof.ts';
import { Stage } from './stage.ts';
import { summary, verdict } from './summary.ts';
import { openView } from './view.ts';

const CAST = ['ada', 'ben', 'cleo', 'dan', 'eve'];
const TURNS = 4;
/** The holder after so many finished turns is killed: by then everybody has had one or waits for it. */
const TURNS_BEFORE_THE_KILL = 6;

using interruption = new Interruption();
console.log(
  paint(
    'bold',
    `\nconsul-lock: ${CAST.length} processes, one lock, and one of them is killed while it holds\n`,
  ),
);
const consul = await findConsul();
try {
  process.exitCode = await perform(consul);
} catch (error) {
  if (interruption.exitCode === undefined) console.error(error);
  else console.log('\nInterrupted: the contenders have given back what they had.\n');
  process.exitCode = interruption.exitCode ?? 1;
} finally {
  await consul.stop();
}

/** Resolves to the exit code. */
async function perform(found: FoundConsul): Promise<number> {
  interruption.signal.throwIfAborted();
  const stage = new Stage(found);
  stage.enter();
  console.log(`${stage.describe()}\n`);
  using look = new Look(stage);
  const history = new History();
  await look.createCounter();
  try {
    await contend(stage, history);
  } catch (error) {
    await look.removeCounter().catch(() => {});
    throw error;
  }
  const counter = await look.readCounter();
  await look.removeCounter();
  console.log(`\n${summary(history, { ttlMs: stage.ttlMs, counter })}\n`);
  // A session may idle for a second, and one that died with its contender lives until its TTL.
  const leftBehind = await interruption.orElse(look.leftBehind(stage.stuckMs + 3_000));
  const findings = prove({ holds: history.holds, counter, leftBehind });
  console.log(`${verdict(findings)}\n`);
  return findings.every(({ objections }) => objections.length === 0) ? 0 : 1;
}

/** Every contender takes its turns, except for the one that is killed while it holds. */
async function contend(
  { lockKey, counterKey, sessionName, ttlMs, stuckMs }: Stage,
  history: History,
): Promise<void> {
  const assignment = {
    lockKey,
    counterKey,
    turns: TURNS,
    lockOptions: { lockTimeoutMs: ttlMs, minLockTimeoutMs: ttlMs, sessionName, acquireTimeoutMs: 60_000 },
  };
  const contenders = new Map<string, Contender>();
  const view = openView({ cast: CAST, turns: TURNS, beganAt: machineTimeMs(), stuckMs });
  const onScene = (scene: Scene): void => {
    history.add(scene);
    view.show(scene);
    if (scene.kind !== 'holds' || history.holds.length < TURNS_BEFORE_THE_KILL) return;
    killSoon(scene.who, scene.workMs);
  };
  const killSoon = (who: string, workMs: number): void => {
    setTimeout(() => {
      // A process that hurried, or that is dead already, needs no killing; the next holder is as good.
      const wasOne = history.deaths.some(({ whileHolding }) => whileHolding);
      if (!wasOne && history.isHolding(who)) contenders.get(who)!.kill();
    }, workMs / 2);
  };
  try {
    for (const who of CAST) contenders.set(who, startContender(who, assignment, onScene));
    await interruption.orElse(Promise.all(Array.from(contenders.values(), async ({ over }) => await over)));
  } finally {
    await Promise.all(Array.from(contenders.values(), async (contender) => await contender.dismiss()));
    view.close();
  }
}
