import { setTimeout as pause } from 'node:timers/promises';
import type { LineFault } from '../history/facts.ts';
import type { Contender } from './contender-crew.ts';
import type { FaultLog } from './fault-log.ts';
import type { Step } from './plan.ts';

export async function inflictOnLine(
  { fault, durationMs, aim, share, takingsOnly, lateMs }: Step<LineFault>,
  contenders: readonly Contender[],
  log: FaultLog,
): Promise<void> {
  const { name, line } = contenders[Math.floor(aim * contenders.length)]!;
  const detail = `${share * 100} % of the ${takingsOnly ? 'takings' : 'requests'}, ${lateMs} ms, for ${durationMs} ms`;
  await log.during(fault, name, detail, async () => {
    line.suffer({ fault, share, takingsOnly, lateMs });
    await pause(durationMs);
    line.heal();
  });
}
