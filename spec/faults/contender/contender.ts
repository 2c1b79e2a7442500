import { setTimeout as pause } from 'node:timers/promises';
import { shutdown } from '../../../lib/index.ts';
import { clientFor } from '../../support/client.ts';
import { Journal } from '../history/journal.ts';
import type { Assignment } from '../laboratory/assignment.ts';
import { Seeded } from '../laboratory/seeded.ts';
import { CALLERS } from '../laboratory/terms.ts';
import { call } from './caller.ts';
import { failureOf } from './failure.ts';
import { blockLoop, watchLoop } from './loop-watch.ts';
import { Testimony } from './testimony.ts';

const assignment = JSON.parse(process.argv[2]!) as Assignment;
const { run, seed } = assignment;
const testimony = new Testimony(assignment.process, new Journal(assignment.journal));

for (const event of ['unhandledRejection', 'uncaughtException'] as const) {
  process.on(event, (error: unknown) => {
    const { code, message } = failureOf(error);
    testimony.tell({
      kind: 'unhandled',
      what: `${event}: ${code}: ${message}; ${(error as Error)?.stack ?? ''}`,
    });
  });
}
// The channel closes with the laboratory, however that ends.
process.once('disconnect', () => process.exit());
if (!process.connected) process.exit();

testimony.tell({ kind: 'started' });
watchLoop((from, to) => testimony.tellBlocked(from, to));

let isOver = false;
process.once('message', () => {
  isOver = true;
  // Some end their work in peace first, others are shut down in the midst of it.
  if (Seeded.named(seed, assignment.process).chance(0.5)) void shutdown({ graceMs: 500 });
});
void blockNowAndThen();

const client = clientFor(assignment.address);
await Promise.all(
  Array.from({ length: CALLERS }, async (_none, index) => {
    const random = Seeded.named(seed, `${assignment.process}/${index}`);
    await call(client, { run, random, testimony }, () => isOver);
  }),
);
await shutdown();
testimony.tell({ kind: 'finished' });
process.exit();

async function blockNowAndThen(): Promise<void> {
  const random = Seeded.named(seed, `${assignment.process}/blocked`);
  while (!isOver) {
    await pause(random.between(5_000, 20_000), undefined, { ref: false });
    if (isOver) return;
    const forMs = random.between(50, random.pick([500, 2_500]));
    testimony.tell({ kind: 'blocks', forMs });
    blockLoop(forMs);
  }
}
