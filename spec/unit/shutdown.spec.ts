import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { lifecycle } from '../../lib/lifecycle.ts';
import { resetDefaults, shutdown } from '../../lib/index.ts';
import { failureOf } from '../support/failure-of.ts';
import { connectionRefused, deny, type Hook, type SentRequest } from '../support/hooked-client.ts';
import { deferred, FakeScene, LogBook } from '../support/fake-scene.ts';

/** Longer than any spec lasts: whatever settles before it settled for another reason. */
const LONG_GRACE_MS = 60_000;

let scene: FakeScene;

beforeEach(() => {
  scene = new FakeScene();
});

afterEach(async () => {
  await shutdown();
  resetDefaults();
  await scene.end();
});

const SHUT_DOWN = { name: 'LockAcquisitionError', code: 'LOCK_SHUTDOWN', keys: ['key'] };

const isBlocking = ({ options }: SentRequest): boolean => options['index'] !== undefined;

/** Says whether it has settled by now. */
function watched(promise: Promise<unknown>): () => boolean {
  let hasSettled = false;
  void promise.finally(() => (hasSettled = true));
  return () => hasSettled;
}

describe('shutdown', () => {
  it('aborts the signals of held locks, which stay held for the grace', async () => {
    const handle = await scene.lock().acquire();
    const { signal } = handle;
    const ending = shutdown({ graceMs: LONG_GRACE_MS });
    expect([signal.aborted, signal.reason, handle.isHeld]).toEqual([
      true,
      expect.objectContaining({ code: 'LOCK_LOST', reason: 'shutdown' }),
      true,
    ]);
    expect(await handle.release()).toBe(true);
    await ending;
  });

  it('aborts a signal that is first read during the grace', async () => {
    const handle = await scene.lock().acquire();
    const ending = shutdown({ graceMs: LONG_GRACE_MS });
    await scene.fake.advance(0);
    expect([handle.signal.aborted, handle.signal.reason]).toEqual([
      true,
      expect.objectContaining({ reason: 'shutdown' }),
    ]);
    await handle.release();
    await ending;
  });

  it('settles at the last release, and so does another one beside it', async () => {
    const [first, last] = [await scene.lock({}, 'a').acquire(), await scene.lock({}, 'b').acquire()];
    const endings = [shutdown({ graceMs: LONG_GRACE_MS }), shutdown({ graceMs: LONG_GRACE_MS })];
    const haveSettled = endings.map(watched);
    await first.release();
    await scene.fake.advance(0);
    expect(haveSettled.map((hasSettled) => hasSettled())).toEqual([false, false]);
    await last.release();
    await Promise.all(endings);
  });

  it('settles at the loss of the last lock', async () => {
    const handle = await scene.lock({ lockTimeoutMs: 1_000 }).acquire();
    const ending = shutdown({ graceMs: LONG_GRACE_MS });
    await scene.fake.advance(1_000);
    await ending;
    expect(handle.isHeld).toBe(false);
    await handle.release();
  });

  it('gives back what is still held after the grace', async () => {
    const handle = await scene.lock().acquire();
    await shutdown({ graceMs: 1 });
    expect(handle.isHeld).toBe(false);
    expect(() => handle.assertHeld()).toThrow(
      expect.objectContaining({ code: 'LOCK_LOST', reason: 'shutdown' }),
    );
    expect([scene.fake.keys(), scene.fake.sessions()]).toEqual([[], []]);
    expect(await handle.release()).toBe(false);
  });

  it('settles though Consul refuses to take locks back', async () => {
    await scene.lock({ retryTimeoutMs: 0 }).acquire();
    scene.client.on('transaction', deny);
    await expect(shutdown()).resolves.toBeUndefined();
    for (const { ID } of scene.fake.sessions()) scene.fake.invalidateSession(ID);
  });

  it('ends idle sessions', async () => {
    await (await scene.lock().acquire()).release();
    expect(scene.fake.sessions()).toHaveLength(1);
    await shutdown();
    expect(scene.fake.sessions()).toEqual([]);
  });

  it('waits for the tidying after a failed release', async () => {
    const arrival = deferred();
    const late: Hook = async (send) => {
      await arrival.promise;
      return await send();
    };
    const handle = await scene.lock({ retryTimeoutMs: 0 }).acquire();
    scene.client.on('session.destroy', late);
    scene.fake.failNext('transaction', connectionRefused());
    expect(await failureOf(async () => await handle.release())).toMatchObject({ code: 'CONSUL_UNAVAILABLE' });
    const ending = shutdown();
    const hasSettled = watched(ending);
    await scene.fake.advance(0);
    expect(hasSettled()).toBe(false);
    arrival.resolve();
    await ending;
    expect([scene.fake.keys(), scene.fake.sessions()]).toEqual([[], []]);
  });

  it('rejects who waits, and leaves nothing of theirs behind', async () => {
    const holder = await scene.otherLock({ sessionName: 'holder' }).acquire();
    const blocking = scene.client.next('kv.get', isBlocking);
    const rejected = failureOf(async () => await scene.lock().acquire({ acquireTimeoutMs: Infinity }));
    await blocking;
    const ending = shutdown({ graceMs: LONG_GRACE_MS });
    expect(await rejected).toMatchObject(SHUT_DOWN);
    expect(scene.fake.sessions().map(({ Name }) => Name)).toEqual(['holder']);
    await holder.release();
    await ending;
  });

  it('is final: later acquisitions are refused, until resetDefaults', async () => {
    await shutdown();
    const before = scene.client.sent.length;
    expect(await failureOf(async () => await scene.lock().acquire())).toMatchObject(SHUT_DOWN);
    expect(await failureOf(async () => await scene.lock().tryAcquire())).toMatchObject(SHUT_DOWN);
    expect(scene.client.sent).toHaveLength(before);
    resetDefaults();
    const handle = await scene.lock().acquire();
    expect(await handle.release()).toBe(true);
  });

  it('gives a lock back that was taken and not yet handed over', async () => {
    const book = new LogBook();
    const { debug } = book.logger;
    const endings: Promise<void>[] = [];
    // In the moment between the two.
    book.logger.debug = ((fields: object, message: string) => {
      debug.call(book.logger, fields, message);
      if (message === 'taken') endings.push(shutdown({ graceMs: LONG_GRACE_MS }));
    }) as never;
    const lock = scene.lock({ logger: book.logger });
    expect(await failureOf(async () => await lock.acquire())).toMatchObject(SHUT_DOWN);
    expect(endings).toHaveLength(1);
    await Promise.all(endings);
    expect([scene.fake.keys(), scene.fake.sessions()]).toEqual([[], []]);
  });

  it('gives a lock back whose taking is answered after it', async () => {
    const arrival = deferred();
    scene.client.on('transaction', async (send) => {
      const answer = await send();
      await arrival.promise;
      return answer;
    });
    const sent = scene.client.next('transaction');
    const rejected = failureOf(async () => await scene.lock().acquire());
    await sent;
    const ending = shutdown();
    arrival.resolve();
    expect(await rejected).toMatchObject(SHUT_DOWN);
    await ending;
    expect([scene.fake.keys(), scene.fake.sessions()]).toEqual([[], []]);
  });

  it('leaves later looks at a doubtful session of the user’s to nobody', async () => {
    const session = await scene.userSession();
    scene.fake.loseAnswerOf('transaction');
    const lock = scene.lock({ session, retryTimeoutMs: 0 });
    expect(await failureOf(async () => await lock.acquire())).toMatchObject({ code: 'CONSUL_UNAVAILABLE' });
    const ending = shutdown();
    await scene.fake.advance(6_000);
    await ending;
    await lifecycle.settled();
    expect(scene.fake.keys()).toEqual([]);
  });
});
