import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ChildProgram } from '../support/child-program.ts';
import { compiledUrl } from '../support/compiled.ts';
import { consulUnderTest, describeWithOwnServer } from '../support/consul.ts';
import { until } from '../support/consul-server/until.ts';
import { FaultProxy } from '../support/proxy.ts';
import { Scene } from '../support/scene.ts';
import type { LockOptions } from '../../lib/index.ts';

jest.setTimeout(30_000);

const ENDED_BY_ITSELF = { code: 0, signal: null };

/** Far below every TTL, renewal and blocking query that could hold a process open, and far above a busy machine's pauses. */
const AT_ONCE_MS = 1_500;

describeWithOwnServer('a process', () => {
  let scene: Scene;
  let proxy: FaultProxy;
  let program: ChildProgram | undefined;

  beforeEach(async () => {
    scene = new Scene(consulUnderTest().address);
    proxy = await FaultProxy.start(consulUnderTest().address);
  });
  afterEach(async () => {
    await program?.kill();
    program = undefined;
    for (const id of await scene.sessions()) await scene.destroySession(id);
    await scene.end();
    await proxy.stop();
  });

  /** Runs `text`, to which `lock`, `contender` (the same lock), `report` and the package's names are known. */
  async function run(text: string, options: LockOptions = {}): Promise<ChildProgram> {
    const given = { ...scene.plainOptions, lockTimeoutMs: 30_000, ...options };
    program = await ChildProgram.start({
      text: `
        import { EphemeralLock, shutdown } from '${compiledUrl('lib/index.ts')}';
        import { clientFor } from '${compiledUrl('spec/support/client.ts')}';
        const newLock = () => new EphemeralLock(${JSON.stringify(scene.key())}, {
          ...${JSON.stringify(given)}, consulClient: clientFor('${proxy.address}') });
        const lock = newLock();
        const report = (what) => console.log(JSON.stringify(what));
        ${text}`,
    });
    return program;
  }

  /** How long the process lived on after its last report. */
  async function lifeAfterReport(child: ChildProgram, report: unknown): Promise<number> {
    expect(await child.report()).toEqual(report);
    const reportedAt = performance.now();
    expect(await child.ended(4_000)).toEqual(ENDED_BY_ITSELF);
    expect(child.complaints).toBe('');
    return performance.now() - reportedAt;
  }

  describe('that holds a lock and has nothing else to do', () => {
    it.each([
      ['', {}, ''],
      [' and has read its signal', {}, 'handle.signal.addEventListener("abort", () => {});'],
      [' and renews it', { renew: true }, ''],
      [
        ' of a short TTL, renews it and has read its signal',
        { renew: true, lockTimeoutMs: 500 },
        'handle.signal;',
      ],
    ])('ends by itself%s', async (_title, options, text) => {
      const child = await run(`const handle = await lock.acquire(); ${text} report('held');`, options);
      expect(await lifeAfterReport(child, 'held')).toBeLessThan(AT_ONCE_MS);
      expect((await scene.left()).keys).toEqual([scene.fullKey()]);
    });

    it('ends by itself when its signal is being watched in Consul, and a renewal has been made', async () => {
      const child = await run(
        `const handle = await lock.acquire();
         handle.signal;
         await handle.renew();
         await handle.verify();
         report('held');`,
      );
      expect(await lifeAfterReport(child, 'held')).toBeLessThan(AT_ONCE_MS);
    });
  });

  describe('that has released its lock', () => {
    it.each([
      ['a plain one', {}],
      ['one that is renewed', { renew: true }],
    ])('ends by itself and leaves no session behind: %s', async (_title, options) => {
      const child = await run(
        `const handle = await lock.acquire();
         handle.signal;
         report(await handle.release());`,
        options,
      );
      expect(await lifeAfterReport(child, true)).toBeLessThan(AT_ONCE_MS);
      expect(await scene.left()).toEqual({ keys: [], sessions: [] });
    });

    it('leaves no session behind either when another contender had the lock', async () => {
      const held = await scene.lock({ lockTimeoutMs: 30_000 }).acquire();
      const child = await run(`report(await lock.tryAcquire());`);
      expect(await lifeAfterReport(child, null)).toBeLessThan(AT_ONCE_MS);
      expect(await scene.left()).toEqual({ keys: [scene.fullKey()], sessions: [held.sessionId] });
      expect(await held.release()).toBe(true);
    });
  });

  it('is kept alive by an acquire that waits', async () => {
    const held = await scene.lock({ lockTimeoutMs: 30_000 }).acquire();
    const child = await run(
      `report('waiting');
       const handle = await lock.acquire({ acquireTimeoutMs: 20_000 });
       report({ isHeld: handle.isHeld });
       await handle.release();`,
    );
    expect(await child.report()).toBe('waiting');
    await until(() => proxy.requests.some(({ path }) => path.includes('index=')), { timeoutMs: 5_000 });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(child.isRunning).toBe(true);
    expect(await held.release()).toBe(true);
    expect(await lifeAfterReport(child, { isHeld: true })).toBeLessThan(AT_ONCE_MS);
    expect((await scene.sessions()).filter((id) => id !== held.sessionId)).toEqual([]);
  });

  it('is kept alive by an acquire that waits for Consul to come back', async () => {
    proxy.refuse = true;
    const child = await run(
      `report('waiting');
       const handle = await lock.acquire({ acquireTimeoutMs: 20_000 });
       report({ isHeld: handle.isHeld });
       await handle.release();`,
    );
    expect(await child.report()).toBe('waiting');
    await until(() => proxy.connections >= 4, { timeoutMs: 5_000 });
    proxy.heal();
    await lifeAfterReport(child, { isHeld: true });
    expect(await scene.left()).toEqual({ keys: [], sessions: [] });
  });

  it('finishes a release that was asked for before it ends', async () => {
    const child = await run(
      `const handle = await lock.acquire();
       void handle.release();
       report('asked for');`,
    );
    expect(await child.report()).toBe('asked for');
    expect(await child.ended()).toEqual(ENDED_BY_ITSELF);
    expect(await scene.left()).toEqual({ keys: [], sessions: [] });
  });

  it('finishes a release that has to be repeated before it ends', async () => {
    const child = await run(
      `const handle = await lock.acquire();
       const idling = setInterval(() => {}, 1_000);
       process.once('SIGUSR2', () => {
         clearInterval(idling);
         void handle.release();
       });
       report('held');`,
      { requestTimeoutMs: 500 },
    );
    expect(await child.report()).toBe('held');
    proxy.refuse = true;
    proxy.reset();
    const before = proxy.connections;
    child.signal('SIGUSR2');
    await until(() => proxy.connections > before, { timeoutMs: 5_000 });
    proxy.heal();
    expect(await child.ended()).toEqual(ENDED_BY_ITSELF);
    expect(await scene.left()).toEqual({ keys: [], sessions: [] });
  });

  it('leaves its session to the TTL with process.exit()', async () => {
    const child = await run(
      `const handle = await lock.acquire();
       report(handle.sessionId);
       process.exit(3);`,
      { lockTimeoutMs: 600 },
    );
    const session = await child.report<string>();
    expect(await child.ended()).toEqual({ code: 3, signal: null });
    expect(await scene.left()).toEqual({ keys: [scene.fullKey()], sessions: [session] });
    await scene.nothingLeft(2 * 600 + 1_500);
  });

  it('gives everything back by shutdown() in a handler of SIGTERM', async () => {
    const child = await run(
      `const handle = await lock.acquire();
       handle.signal.addEventListener('abort', () => report(handle.signal.reason.reason));
       const waiting = newLock().acquire({ acquireTimeoutMs: Infinity });
       waiting.catch((error) => report(error.code));
       process.once('SIGTERM', async () => {
         await shutdown();
         report({ isHeld: handle.isHeld });
       });
       report('held');`,
    );
    expect(await child.report()).toBe('held');
    await until(() => proxy.requests.some(({ path }) => path.includes('index=')), { timeoutMs: 5_000 });
    child.signal('SIGTERM');
    const reports = [await child.report(), await child.report()];
    expect(new Set(reports)).toEqual(new Set(['LOCK_SHUTDOWN', 'shutdown']));
    expect(await lifeAfterReport(child, { isHeld: false })).toBeLessThan(AT_ONCE_MS);
    expect(await scene.left()).toEqual({ keys: [], sessions: [] });
  });
});
