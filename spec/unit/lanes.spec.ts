import { setMaxListeners } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { sendRequest } from '../../lib/consul-request.ts';
import { Traffic } from '../../lib/lanes.ts';
import { failureOf } from '../support/failure-of.ts';
import { FakeScene } from '../support/fake-scene.ts';
import { hang, type Operation } from '../support/hooked-client.ts';

describe('traffic', () => {
  it('lets so many through at once, and the others in their order', async () => {
    const traffic = new Traffic(2);
    expect([traffic.enter(undefined), traffic.enter(undefined)]).toEqual([undefined, undefined]);
    expect(traffic.isFull).toBe(true);
    const passed: string[] = [];
    const first = traffic.enter(undefined)?.then(() => passed.push('first'));
    const second = traffic.enter(undefined)?.then(() => passed.push('second'));
    traffic.leave();
    await first;
    expect(passed).toEqual(['first']);
    traffic.leave();
    await second;
    expect(passed).toEqual(['first', 'second']);
    traffic.leave();
    traffic.leave();
    expect(traffic.isFull).toBe(false);
  });

  it('forgets who is cancelled while standing', async () => {
    const traffic = new Traffic(1);
    expect(traffic.enter(undefined)).toBeUndefined();
    const controller = new AbortController();
    const reason = new Error('cancelled');
    const cancelled = failureOf(async () => await traffic.enter(controller.signal));
    const next = traffic.enter(undefined);
    controller.abort(reason);
    expect(await cancelled).toBe(reason);
    traffic.leave();
    await next;
    traffic.leave();
    expect(traffic.isFull).toBe(false);
  });
});

describe('requests', () => {
  it('whose signal aborts as their turn comes are not sent, and do not keep the place', async () => {
    const [traffic, controller, reason] = [new Traffic(1), new AbortController(), new Error('cancelled')];
    traffic.enter(undefined)?.catch(() => {});
    let isSent = false;
    const { signal } = controller;
    const limits = {
      signal,
      untilSent: undefined,
      timeoutMs: 1_000,
      traffic,
      behind: false,
      client: new FakeScene().client,
    };
    const sending = failureOf(
      async () =>
        await sendRequest(
          'kv.get',
          async () => (isSent = true),
          () => true,
          { ...limits, keepProcessAlive: true, mostBytes: 1_000, secrets: () => [], keys: ['key'] },
        ),
    );
    traffic.leave();
    controller.abort(reason);
    expect(await sending).toBe(reason);
    expect([isSent, traffic.isFull]).toEqual([false, false]);
  });

  it.each([
    ['session.create', {}],
    ['session.info', { session: '11111111-2222-3333-4444-555555555555' }],
  ] as const)('of holders do not wait behind %s of contenders', async (operation, options) => {
    const scene = new FakeScene();
    const handle = await scene.lock({}, 'held').acquire();
    scene.client.on(operation, hang);
    const controller = new AbortController();
    const { signal } = controller;
    setMaxListeners(0, signal);
    const acquiring = Array.from(
      { length: 200 },
      async (_none, number) =>
        await failureOf(
          async () =>
            await scene.lock({ ...options, requestTimeoutMs: 300 }, `key ${number}`).acquire({ signal }),
        ),
    );
    await scene.client.next(operation);
    expect(scene.client.count(operation)).toBeLessThan(100);
    await expectSentAtOnce(scene, 'session.renew', async () => await handle.renew());
    await expectSentAtOnce(scene, 'transaction', async () => await handle.release());
    controller.abort(new Error('cancelled'));
    await Promise.all(acquiring);
    await scene.end();
  });

  it('of holders do not wait behind what contenders tidy up', async () => {
    const scene = new FakeScene();
    const handle = await scene.lock({}, 'held').acquire();
    scene.client.on('transaction', async (send, request) =>
      request.operations.some(({ KV }) => KV.Key === handle.fullKey)
        ? await send()
        : await hang(send, request),
    );
    scene.client.on('session.destroy', hang);
    const controller = new AbortController();
    const { signal } = controller;
    setMaxListeners(0, signal);
    const attempting = scene.client.next('transaction');
    const acquiring = Array.from(
      { length: 200 },
      async (_none, number) =>
        await failureOf(
          async () => await scene.lock({ requestTimeoutMs: 300 }, `key ${number}`).acquire({ signal }),
        ),
    );
    await attempting;
    await scene.fake.advance(0);
    controller.abort(new Error('cancelled'));
    await scene.fake.advance(0);
    expect(scene.client.count('session.destroy')).toBeGreaterThanOrEqual(48);
    await expectSentAtOnce(scene, 'session.renew', async () => await handle.renew());
    await expectSentAtOnce(scene, 'transaction', async () => await handle.release());
    await Promise.all(acquiring);
    await scene.end();
  });
});

async function expectSentAtOnce(
  scene: FakeScene,
  operation: Operation,
  send: () => Promise<unknown>,
): Promise<void> {
  const before = scene.client.count(operation);
  const answer = send();
  await scene.fake.advance(0);
  expect(scene.client.count(operation)).toBe(before + 1);
  await answer;
}
