import { setTimeout as pause } from 'node:timers/promises';
import type { ProcessFault } from '../history/facts.ts';
import type { ContenderCrew } from './contender-crew.ts';
import type { FaultLog } from './fault-log.ts';
import type { Step } from './plan.ts';

/** On a holder, if there is one. */
export async function inflictOnProcess(
  { fault, durationMs, aim }: Step<ProcessFault>,
  crew: ContenderCrew,
  holders: readonly string[],
  log: FaultLog,
): Promise<void> {
  const candidates = crew.contenders.filter(({ name }) => holders.includes(name));
  const among = candidates.length > 0 ? candidates : crew.contenders;
  const contender = among[Math.floor(aim * among.length)]!;
  // One that has crashed is nobody to kill, and in the history anyway.
  if (!contender.process.isRunning) {
    await crew.restart(contender);
    return;
  }
  await log.during(fault, contender.name, `${durationMs} ms`, async () => {
    if (fault === 'contender-kill') {
      await contender.process.kill();
      await pause(durationMs);
      await crew.restart(contender);
    } else {
      await contender.process.stop();
      await pause(durationMs);
      contender.process.continue();
    }
  });
}
