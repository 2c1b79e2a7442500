import { randomUUID } from 'node:crypto';
import { describe, expect, it, jest } from '@jest/globals';
import { Example } from '../support/example.ts';

jest.setTimeout(30_000);

async function linesOf(
  file: 'examples/observing/telemetry.ts' | 'examples/observing/log.ts',
  key: string,
): Promise<object[]> {
  await using example = await Example.start(file, [key]);
  const { printed, code } = await example.ended();
  if (code !== 0) throw new Error(printed);
  return example.lines.map((line) => JSON.parse(line) as object);
}

describe('events as OpenTelemetry', () => {
  it('are spans of acquisitions, holds and releases, the parts in their hold', async () => {
    const key = randomUUID();
    const lines = await linesOf('examples/observing/telemetry.ts', key);
    const spans = lines.filter((line) => 'name' in line);
    const attributes = (more: object): unknown => expect.objectContaining({ 'lock.keys': [key], ...more });
    const acquired = attributes({ 'lock.outcome': 'acquired', 'lock.fencing_token': expect.any(Number) });
    expect(spans).toEqual([
      { name: 'lock acquire', parent: 'lock hold', failed: false, attributes: acquired },
      {
        name: 'lock acquire',
        parent: 'lock hold',
        failed: false,
        attributes: attributes({ 'lock.outcome': 'contended' }),
      },
      {
        name: 'lock release',
        parent: 'lock hold',
        failed: false,
        attributes: attributes({ 'lock.still_ours': 'true', 'lock.margin_ms': expect.any(Number) }),
      },
      {
        name: 'lock hold',
        parent: null,
        failed: false,
        attributes: attributes({ 'lock.held_ms': expect.any(Number) }),
      },
      { name: 'lock acquire', parent: null, failed: false, attributes: acquired },
      {
        name: 'lock release',
        parent: null,
        failed: false,
        attributes: attributes({ 'lock.still_ours': 'false' }),
      },
    ]);
  });

  it('are metrics without keys: waits by outcome, holds, margins, and losses by reason', async () => {
    const lines = await linesOf('examples/observing/telemetry.ts', randomUUID());
    const metrics = lines.filter((line) => 'metric' in line);
    expect(metrics).toEqual([
      { metric: 'lock.wait.duration', unit: 's', attributes: { outcome: 'acquired' }, count: 2 },
      { metric: 'lock.wait.duration', unit: 's', attributes: { outcome: 'contended' }, count: 1 },
      { metric: 'lock.hold.duration', unit: 's', attributes: {}, count: 2 },
      { metric: 'lock.release.margin', unit: 's', attributes: {}, count: 2 },
      { metric: 'lock.losses', unit: '', attributes: { reason: 'session-invalidated' }, count: 1 },
    ]);
  });
});

describe('events in a log', () => {
  it('say who got a lock and who did not, how long it was held, and how it was lost', async () => {
    const key = randomUUID();
    const lines = await linesOf('examples/observing/log.ts', key);
    const said = lines.map((line) => {
      const { msg, level, keys } = line as { msg: string; level: number; keys: string[] };
      expect(keys).toEqual([key]);
      return `${level} ${msg}`;
    });
    expect(said).toEqual([
      '30 acquired',
      '30 somebody else has it',
      '50 not acquired',
      '30 released',
      '30 acquired',
      '40 lost',
      '30 released',
    ]);
    expect(lines[3]).toMatchObject({
      stillOurs: true,
      heldMs: expect.any(Number),
      marginMs: expect.any(Number),
    });
    expect(lines[5]).toMatchObject({ reason: 'session-invalidated' });
    expect(lines[6]).toMatchObject({ stillOurs: false, marginMs: expect.any(Number) });
  });
});
