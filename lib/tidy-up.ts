import { cleanUp } from './clean-up.ts';
import { sleep } from './sleep.ts';
import type { CallLimits } from './consul-gate.ts';
import type { Lane } from './lanes.ts';
import { lifecycle } from './lifecycle.ts';
import type { Lot } from './lot.ts';
import { giveBackEntries } from './returning.ts';
import { endSession } from './session-pool.ts';
import type { Settings } from './settings.ts';
import { takeEntries } from './taking.ts';

/** How often a user's session is looked at again for an attempt that landed late, each time after twice the time. */
const LATE_LOOKS = 6;

/**
 * Leaves neither key nor session behind: tried once, within `timeoutMs`, and then in the background. Never rejects.
 *
 * The end of a session of ours settles everything, whatever was sent on it. Before it, a lock with a lock delay is given
 * back: the end of a session that holds a key would start that delay.
 */
export async function tidyUp(lot: Lot, timeoutMs: number, lane: Lane = 'contending'): Promise<void> {
  const { session, entries } = lot;
  const { gate, settings } = lot.terms;
  const giveBack = async (limits: CallLimits): Promise<unknown> =>
    await giveBackEntries(gate, session.id, entries, settings.behavior, limits);
  if (session.isAdopted) await settle(lot, giveBack, timeoutMs, lane);
  else {
    const giveBackFirst = settings.lockDelayMs > 0 ? giveBack : undefined;
    await endSession(session, gate, settings, { timeoutMs, giveBackFirst, lane });
  }
}

/**
 * A user's session cannot be ended to fence an attempt that was never answered. The attempt is repeated until it is
 * answered, what it took is given back, and later looks find what its first sending took after that.
 */
async function settle(
  { terms: { gate, settings }, session, entries }: Lot,
  giveBack: (limits: CallLimits) => Promise<unknown>,
  timeoutMs: number,
  lane: Lane,
): Promise<void> {
  const isTaken = entries.some(({ token }) => token > 0);
  const isDoubtful = session.isDoubtful;
  if (!isTaken && !isDoubtful) return;
  await cleanUp(
    async (limits) => {
      if (!isTaken) await takeEntries(gate, session.id, entries, limits);
      await giveBack(limits);
    },
    {
      clock: settings.waitingClock,
      lane,
      timeoutMs,
      mootAfterMs: Infinity,
      onFailure: (error) =>
        settings.logger?.warn(
          { keys: entries.map(({ key }) => key), session: session.id, err: error },
          'an attempt on a session of yours is in doubt and is being repeated',
        ),
    },
  );
  if (isDoubtful)
    lifecycle.keep(
      lookForLateArrivals(settings, async () => await giveBack({ keepProcessAlive: false, lane })),
    );
}

async function lookForLateArrivals(
  { waitingClock, requestTimeoutMs }: Settings,
  giveBack: () => Promise<unknown>,
): Promise<void> {
  for (let look = 0; look < LATE_LOOKS && !lifecycle.isShutDown; look++) {
    await sleep(waitingClock, requestTimeoutMs * 2 ** look, { keepProcessAlive: false });
    await giveBack().catch(() => {});
  }
}
