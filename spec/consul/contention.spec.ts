import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { ChildProgram } from '../support/child-program.ts';
import { describeWithOwnAgents, startAgent } from '../support/consul.ts';
import type { ConsulAgent } from '../support/consul-server/consul-agent.ts';
import type { ContenderArgument, ContenderReport } from '../support/contender.ts';
import { Scene } from '../support/scene.ts';

jest.setTimeout(90_000);

const PROCESSES = 5;
const CALLERS = 10;

describeWithOwnAgents('50 contenders in 5 processes', () => {
  let agent: ConsulAgent;
  let scene: Scene;
  let children: ChildProgram[];

  beforeEach(async () => {
    agent = await startAgent();
    scene = new Scene(agent.address);
    children = [];
  });
  afterEach(async () => {
    await Promise.all(children.map(async (child) => await child.kill()));
    await scene.ask(`/v1/txn`, {
      method: 'PUT',
      body: JSON.stringify([{ KV: { Verb: 'delete-tree', Key: scene.fullKey('') } }]),
    });
    await scene.end();
    await agent.stop();
  });

  async function contend(callers: readonly (readonly string[])[], turns: number): Promise<ContenderReport[]> {
    const argument: ContenderArgument = {
      address: scene.via,
      options: { ...scene.plainOptions, lockTimeoutMs: 30_000, acquireTimeoutMs: 60_000 },
      callers: callers.map((names) => names.map((name) => scene.key(name))),
      turns,
    };
    children = await Promise.all(
      Array.from(
        { length: PROCESSES },
        async () => await ChildProgram.start({ file: 'spec/support/contender.ts', argument }),
      ),
    );
    const reports = await Promise.all(
      children.map(async (child) => await child.report<ContenderReport>(75_000)),
    );
    const ends = await Promise.all(children.map(async (child) => await child.ended()));
    expect(ends).toEqual(ends.map(() => ({ code: 0, signal: null })));
    return reports;
  }

  async function counted(name: string): Promise<number> {
    const entry = await scene.entry(name);
    return Number(Buffer.from(entry?.Value ?? '', 'base64').toString());
  }

  /** The tokens of each key in the order of its turns, which were counted inside. */
  function expectGrowingTokens(reports: readonly ContenderReport[]): void {
    const inOrder = reports.flatMap(({ tokens }) => tokens).sort((a, b) => a.turn - b.turn);
    for (const key of new Set(inOrder.map((turn) => turn.key))) {
      const tokens = inOrder.filter((turn) => turn.key === key).map(({ token }) => token);
      expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
    }
  }

  it('are never two inside, lose no update, and all get their turns', async () => {
    const reports = await contend(
      Array.from({ length: CALLERS }, () => ['one']),
      1,
    );
    expect(reports.flatMap(({ overlaps }) => overlaps)).toEqual([]);
    expect(reports.flatMap(({ turns }) => turns)).toEqual(Array(PROCESSES * CALLERS).fill(1));
    expect(await counted('one-turns')).toBe(PROCESSES * CALLERS);
    expect(await counted('one-inside')).toBe(0);
    expectGrowingTokens(reports);
    // Only the counters are left, and no session.
    expect(await scene.sessions()).toEqual([]);
    expect((await scene.keys()).map(({ Key }) => Key)).toEqual([
      scene.fullKey('one-inside'),
      scene.fullKey('one-turns'),
    ]);
  });

  it('with locks of several keys that overlap, in any order, are never two inside and never in a deadlock', async () => {
    const names = ['a', 'b', 'c', 'd'];
    const callers = Array.from({ length: CALLERS }, (_, i) => {
      const [one, two] = [names[i % 4]!, names[(i + 1 + (i % 3)) % 4]!];
      return i % 5 === 4 ? [one] : [one, two];
    });
    const reports = await contend(callers, 1);
    expect(reports.flatMap(({ overlaps }) => overlaps)).toEqual([]);
    expect(reports.flatMap(({ turns }) => turns)).toEqual(Array(PROCESSES * CALLERS).fill(1));
    for (const name of names) {
      const turns = PROCESSES * callers.filter((keys) => keys.includes(name)).length;
      expect([name, await counted(`${name}-turns`)]).toEqual([name, turns]);
      expect([name, await counted(`${name}-inside`)]).toEqual([name, 0]);
    }
    expectGrowingTokens(reports);
  });
});
