import { afterAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { AnswerFaults, type Fault, requests } from '../support/answer-faults.ts';
import { ChildProgram } from '../support/child-program.ts';
import { consulUnderTest, describeWithOwnServer } from '../support/consul.ts';
import { failureOf } from '../support/failure-of.ts';
import type { HolderArgument, HolderReport } from '../support/holder.ts';
import { type Scene, Scenes } from '../support/scene.ts';

jest.setTimeout(30_000);

const { address } = consulUnderTest();

describeWithOwnServer('a lock delay', () => {
  const scenes = new Scenes();
  const proxies: AnswerFaults[] = [];
  let faults: AnswerFaults;
  let scene: Scene;

  afterAll(async () => {
    for (const proxy of proxies) proxy.heal();
    await scenes.end();
    await Promise.all(proxies.map(async (proxy) => await proxy.stop()));
  });
  beforeEach(async () => {
    faults = await AnswerFaults.start(address);
    proxies.push(faults);
    scene = scenes.open(address, { via: faults.address });
  });

  describe('as long as the TTL', () => {
    const TTL_MS = 800;
    const options = { lockTimeoutMs: TTL_MS, lockDelayMs: TTL_MS };

    it('keeps others out until the deadline of a holder whose session an outsider has ended, and not much longer', async () => {
      const holder = await scene.lock(options).acquire();
      const deadline = performance.now() + holder.remainingMs;
      const waiting = scene.lock({ lockTimeoutMs: 10_000 }).acquire({ acquireTimeoutMs: 10_000 });
      await scene.destroySession(holder.sessionId);
      expect(await scene.lock().tryAcquire()).toBeNull();
      expect(holder.isHeld).toBe(true);
      const next = await waiting;
      expect(holder.isHeld).toBe(false);
      expect(performance.now()).toBeGreaterThanOrEqual(deadline);
      expect(performance.now() - deadline).toBeLessThan(1_500);
      expect(next.fencingToken).toBeGreaterThan(holder.fencingToken);
      // The old holder, tidying up, does not make the next one wait or lose.
      expect(await holder.release()).toBe(false);
      expect(await next.verify()).toBe(true);
      expect(await next.release()).toBe(true);
      const third = await scene.lock().acquire();
      expect(await third.release()).toBe(true);
    });

    it('keeps others out until the deadline of a holder that renewed just before', async () => {
      const holder = await scene.lock(options).acquire();
      await holder.renew();
      const deadline = performance.now() + holder.remainingMs;
      await scene.destroySession(holder.sessionId);
      const next = await scene.lock().acquire({ acquireTimeoutMs: 10_000 });
      expect(performance.now()).toBeGreaterThanOrEqual(deadline);
      expect(holder.isHeld).toBe(false);
      expect(await next.release()).toBe(true);
      expect(await holder.release()).toBe(false);
    });

    it('comes on top of the TTL when the holder was killed', async () => {
      const argument: HolderArgument = {
        address,
        key: scene.key(),
        options: { ...scene.plainOptions, lockTimeoutMs: 300, lockDelayMs: 500 },
      };
      await using child = await ChildProgram.start({ file: 'spec/support/holder.ts', argument });
      const held = await child.report<HolderReport>();
      await child.kill();
      const next = await scene.lock().acquire({ acquireTimeoutMs: 10_000 });
      expect(Date.now()).toBeGreaterThanOrEqual(held.deadline + 500);
      expect(await next.release()).toBe(true);
    });
  });

  describe('that must not begin', () => {
    const options = {
      lockDelayMs: 20_000,
      lockTimeoutMs: 30_000,
      requestTimeoutMs: 300,
      retryTimeoutMs: 1_000,
    };

    async function expectFree(names: string | readonly string[] = 'key'): Promise<void> {
      const next = await scene.lock({}, names).tryAcquire();
      expect(next).not.toBeNull();
      expect(await next?.release()).toBe(true);
    }

    it('does not after a release', async () => {
      expect(await (await scene.lock(options, ['key', 'other']).acquire()).release()).toBe(true);
      await expectFree(['key', 'other']);
    });

    it('does not after a release by a session that is ended right after', async () => {
      const handle = await scene.lock(options).acquire();
      expect(await handle.release()).toBe(true);
      await scene.destroySession(handle.sessionId);
      await expectFree();
    });

    it.each<[string, Fault]>([
      ['lost', 'lost'],
      ['cut', 'cut'],
      ['reset', 'reset'],
    ])('does not after a release whose answer was %s', async (_title, fault) => {
      const handle = await scene.lock(options).acquire();
      faults.fault(requests.giveBack, fault);
      expect(await handle.release()).toBe(true);
      await expectFree();
    });

    it.each<[string, Fault]>([
      ['lost', 'lost'],
      ['cut', 'cut'],
      ['reset', 'reset'],
    ])(
      'does not after an acquisition that was given up because its answers were %s',
      async (_title, fault) => {
        faults.fault(requests.take, fault, Infinity);
        const lock = scene.lock({ ...options, retryTimeoutMs: 200 });
        expect(await failureOf(async () => await lock.acquire())).toMatchObject({
          code: 'CONSUL_UNAVAILABLE',
        });
        expect(faults.ofKind(requests.take)[0]).toMatchObject({ status: 200 });
        faults.heal();
        await expectFree();
      },
    );

    it('does not after a contender that was refused', async () => {
      const holder = await scene.lock().acquire();
      expect(await scene.lock(options).tryAcquire()).toBeNull();
      expect(await holder.release()).toBe(true);
      await expectFree();
    });

    it('does not after a late release, whose key is still in Consul', async () => {
      const handle = await scene.lock({ ...options, lockTimeoutMs: 400 }).acquire();
      await new Promise((resolve) => setTimeout(resolve, handle.remainingMs + 10));
      expect(handle.isHeld).toBe(false);
      expect(await handle.release()).toBe(false);
      await expectFree();
    });
  });
});
