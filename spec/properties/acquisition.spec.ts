import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { runs, Tally } from './runs.ts';
import { loadModules, type Modules } from './world/modules.ts';
import { type Climate, sequences } from './world/sequences.ts';
import { World } from './world/world.ts';

const CALM: Climate = { faults: 0, outsiders: 0, pauses: 0, shutdowns: 0 };

const WORLDS: readonly { readonly title: string; readonly climate: Climate; readonly sequences: number }[] = [
  { title: 'where nothing goes wrong', climate: CALM, sequences: 2_000 },
  {
    title: 'where requests and answers are lost and late',
    climate: { ...CALM, faults: 20 },
    sequences: 3_500,
  },
  {
    title: 'where outsiders interfere',
    climate: { ...CALM, faults: 10, outsiders: 15 },
    sequences: 2_500,
  },
  {
    title: 'where processes are paused and shut down too',
    climate: { faults: 15, outsiders: 8, pauses: 8, shutdowns: 1 },
    sequences: 2_000,
  },
];

const MOST_STEPS = 30;

/** Of a machine that has other things to do too. */
const LIMIT_MS = 120_000 * Number(process.env['PROPERTY_FACTOR'] ?? 1);

/** Two processes, kept from sequence to sequence: loading them takes longer than most sequences. */
let processes: readonly Modules[] | undefined;

async function inFreshWorld(run: (modules: readonly Modules[]) => Promise<void>): Promise<void> {
  const modules = processes ?? [await loadModules(), await loadModules()];
  // What a failure has left in them must not fail the next sequence as well.
  processes = undefined;
  await run(modules);
  processes = modules;
}

describe('contenders', () => {
  const tally = new Tally();

  it.each(WORLDS)(
    'come to a defined end, and leave nothing behind, in any world $title',
    async ({ climate, sequences: count }) => {
      const ran = new Tally();
      await fc.assert(
        fc.asyncProperty(sequences(climate, MOST_STEPS), async ({ terms, steps }) => {
          ran.add();
          tally.add();
          await inFreshWorld(
            async (modules) => await World.run(modules, terms, steps, { isCalm: climate === CALM }),
          );
        }),
        runs(count, LIMIT_MS),
      );
      expect(ran.hasReached(count)).toBe(true);
    },
    LIMIT_MS,
  );

  it('do so in 10000 sequences', () => {
    expect(WORLDS.reduce((sum, { sequences: count }) => sum + count, 0)).toBe(10_000);
    expect(tally.hasReached(10_000)).toBe(true);
  });
});
