import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EphemeralLock, type LockHandle, type LockOptions } from '../../lib/index.ts';
import { linksOf } from '../../lib/lock-flags.ts';
import { FakeConsul } from '../../lib/testing/index.ts';
import { failureOf } from '../support/failure-of.ts';
import {
  cutAnswer,
  deny,
  hang,
  type Hook,
  once,
  refuse,
  type SentRequest,
} from '../support/hooked-client.ts';
import { base64, FakeScene, FULL_KEY } from '../support/fake-scene.ts';

let scene: FakeScene;

beforeEach(() => {
  scene = new FakeScene();
});

afterEach(async () => await scene.end());

const WAITING = { acquireTimeoutMs: 60_000 };

/** A holder, and one of the same process who waits for its release. */
async function holderAndHeir(
  options: LockOptions = {},
  ofHeir: LockOptions = {},
): Promise<{ holder: LockHandle; heir: Promise<LockHandle> }> {
  const holder = await scene.lock(options).acquire();
  const heir = scene.lock({ ...options, ...ofHeir }).acquire(WAITING);
  heir.catch(() => {});
  return { holder, heir };
}

/** The verbs of the transactions since `sent`. */
function verbsSince(sent: number): string[][] {
  return scene.client.sent
    .filter(({ operation }) => operation === 'transaction')
    .slice(sent)
    .map(({ operations }) => operations.map(({ KV }) => KV.Verb));
}

const isHandingOver = ({ operations }: SentRequest): boolean =>
  operations.every(({ KV }) => KV.Verb === 'cas');

/** What becomes of the handing over; all else goes through. */
const handingOver =
  (hook: Hook): Hook =>
  async (send, request) =>
    isHandingOver(request) ? await hook(send, request) : await send();

/** What the heir has is whole, and is given back. */
async function enjoyed(heir: Promise<LockHandle>): Promise<LockHandle> {
  const handle = await heir;
  expect(handle.isHeld).toBe(true);
  expect(await handle.verify()).toBe(true);
  expect(await handle.release()).toBe(true);
  return handle;
}

describe('a release with a waiter in the same process', () => {
  it('hands session and key over by one guarded write', async () => {
    const { holder, heir } = await holderAndHeir();
    const sent = scene.client.count('transaction');
    expect(await holder.release()).toBe(true);
    const handle = await heir;
    expect(verbsSince(sent)).toEqual([['cas']]);
    expect(handle.sessionId).toBe(holder.sessionId);
    expect(scene.client.count('session.create')).toBe(1);
    await enjoyed(heir);
  });

  it('does so by one that leaves the key a lock, where it stays behind', async () => {
    const { holder, heir } = await holderAndHeir({ behavior: 'release' });
    const sent = scene.client.count('transaction');
    expect(await holder.release()).toBe(true);
    await heir;
    expect(verbsSince(sent)).toEqual([['check-index', 'lock']]);
    expect(await scene.entry()).toMatchObject({ LockIndex: 1 });
    await enjoyed(heir);
    expect(await (await scene.lock().acquire()).release()).toBe(true);
  });

  it('tells other processes how often the lock was handed over in a row, also after a rewriting', async () => {
    const links = async (): Promise<number> => linksOf((await scene.entry())!.Flags);
    const [holder, ...heirs] = Array.from({ length: 3 }, async () => await scene.lock().acquire(WAITING));
    const told = [await holder!.then(links)];
    for (const [index, heir] of heirs.entries()) {
      await (await (index === 0 ? holder! : heirs[index - 1]!)).release();
      await heir;
      told.push(await links());
    }
    const last = await heirs.at(-1)!;
    await last.transaction([{ KV: { Verb: 'set', Key: FULL_KEY, Value: base64('anew') } }]);
    told.push(await links());
    expect(told).toEqual([0, 1, 2, 2]);
    await last.release();
  });

  it('makes a handle of its own, and leaves the old one released', async () => {
    const { holder, heir } = await holderAndHeir();
    const signal = holder.signal;
    await holder.release();
    await heir;
    expect([holder.isHeld, holder.remainingMs, signal.aborted]).toEqual([false, 0, false]);
    expect(await holder.release()).toBe(false);
    expect(await holder.verify()).toBe(false);
    await enjoyed(heir);
  });

  it('raises the token though the value stays the same', async () => {
    const { holder, heir } = await holderAndHeir({ generateValue: () => 'the same' });
    await holder.release();
    const handle = await heir;
    expect(handle.fencingToken).toBeGreaterThan(holder.fencingToken);
    expect(await scene.entry()).toMatchObject({ ModifyIndex: handle.fencingToken });
    await enjoyed(heir);
  });

  it('hands all keys of a lock over, in whatever order they are asked for', async () => {
    const holder = await scene.lock({}, ['a', 'b']).acquire();
    const heir = scene.lock({}, ['b', 'a']).acquire(WAITING);
    await holder.release();
    const handle = await heir;
    expect([handle.sessionId, handle.keys]).toEqual([holder.sessionId, ['b', 'a']]);
    await enjoyed(heir);
  });

  it('goes on with the next when the waiter has cancelled while it was handed over to', async () => {
    const controller = new AbortController();
    const holder = await scene.lock().acquire();
    const first = scene.lock().acquire({ ...WAITING, signal: controller.signal });
    const cancelled = failureOf(async () => await first);
    const second = scene.lock().acquire(WAITING);
    const reason = new Error('cancelled');
    scene.client.on(
      'transaction',
      once(async (send) => {
        const answer = await send();
        controller.abort(reason);
        return answer;
      }),
    );
    expect(await holder.release()).toBe(true);
    expect(await cancelled).toBe(reason);
    expect((await second).sessionId).toBe(holder.sessionId);
    await enjoyed(second);
  });

  it('leaves nothing behind when nobody else waits after a cancellation', async () => {
    const controller = new AbortController();
    const holder = await scene.lock().acquire();
    const waiting = scene.lock().acquire({ ...WAITING, signal: controller.signal });
    const cancelled = failureOf(async () => await waiting);
    scene.client.on(
      'transaction',
      once(async (send) => {
        controller.abort(new Error('cancelled'));
        return await send();
      }),
    );
    expect(await holder.release()).toBe(true);
    await cancelled;
    expect(await scene.entry()).toBeUndefined();
  });
});

describe('the handle that a lock was handed over from', () => {
  it('was released in time, however long its heir keeps the process busy after that', async () => {
    let nowMs = 0;
    const consulClient = new FakeConsul({ now: () => nowMs, sessionTtlMinMs: 1_000 });
    const lock = new EphemeralLock('key', { consulClient, lockTimeoutMs: 1_000, minLockTimeoutMs: 1_000 });
    const holder = await lock.acquire();
    const heir = lock.acquire(WAITING).then((handle) => {
      nowMs += 1_000;
      return handle;
    });
    await consulClient.advance(0);
    expect(await holder.release()).toBe(true);
    expect((await heir).sessionId).toBe(holder.sessionId);
    expect(await (await heir).release()).toBe(false);
  });
});

describe('an attempt that was answered so late that its lock was freed and taken meanwhile', () => {
  it.each([
    ['is lost when that is handed over after it', true],
    ['is lost when that is handed over before it', false],
  ])('%s: no two are held', async (_title, isAnsweredFirst) => {
    let answer = (): void => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    scene.client.on(
      'transaction',
      once(async (send) => {
        const result = await send();
        await answered;
        return result;
      }),
    );
    const late = scene.lock().tryAcquire();
    await scene.client.next('transaction');
    await scene.fake.advance(0);
    await scene.fake.kv.del(FULL_KEY);
    const holder = await scene.lock().acquire();
    const heir = scene.lock().acquire(WAITING);
    heir.catch(() => {});
    await scene.fake.advance(0);
    scene.client.on(
      'transaction',
      handingOver(
        once(async (send) => {
          const result = await send();
          if (isAnsweredFirst) {
            answer();
            await late;
          }
          return result;
        }),
      ),
    );
    await holder.release();
    const handle = await heir;
    answer();
    const handles = [await late, handle].map((one) => one?.isHeld ?? false);
    expect(handles).toEqual([false, true]);
    expect(await handle.release()).toBe(true);
    await (await late)?.release();
  });
});

describe('the time left after a handing over', () => {
  it('is counted from before the renewal beside it', async () => {
    const { holder, heir } = await holderAndHeir({ lockTimeoutMs: 1_000 });
    await scene.fake.advance(700);
    scene.client.on('session.renew', async (send) => {
      const answer = await send();
      await scene.fake.advance(100);
      return answer;
    });
    await holder.release();
    const { remainingMs } = await heir;
    expect(remainingMs).toBeLessThanOrEqual(900);
    expect(remainingMs).toBeGreaterThan(600);
    await enjoyed(heir);
  });

  it('stays as it was when the renewal fails', async () => {
    const { holder, heir } = await holderAndHeir({ lockTimeoutMs: 1_000 });
    await scene.fake.advance(300);
    scene.client.on('session.renew', refuse);
    await holder.release();
    expect((await heir).remainingMs).toBeLessThanOrEqual(700);
    await enjoyed(heir);
  });

  it('is never less than half of what was asked for: then the lock is given back and taken anew', async () => {
    const { holder, heir } = await holderAndHeir({ lockTimeoutMs: 1_000 });
    await scene.fake.advance(700);
    scene.client.on('session.renew', once(refuse));
    expect(await holder.release()).toBe(true);
    await scene.fake.advance(0);
    expect((await heir).remainingMs).toBeGreaterThan(500);
    await enjoyed(heir);
  });

  it('starts anew with another session when the renewal shows that the session has gone', async () => {
    const { holder, heir } = await holderAndHeir({ lockTimeoutMs: 1_000 });
    await scene.fake.advance(300);
    scene.client.on(
      'session.renew',
      once(async (send) => {
        scene.fake.invalidateSession(holder.sessionId);
        return await send();
      }),
    );
    await holder.release();
    expect((await heir).sessionId).not.toBe(holder.sessionId);
    await enjoyed(heir);
  });
});

describe('a release that does not hand over', () => {
  it.each<[string, LockOptions]>([
    ['TTL', { lockTimeoutMs: 20_000 }],
    ['lock delay', { lockDelayMs: 1 }],
    ['session name', { sessionName: 'other' }],
    ['behavior', { behavior: 'release' }],
    ['token', { token: 'c0ffee00-5ec7-e700-0000-000000000000' }],
  ])('is one whose waiter has another %s', async (_title, other) => {
    const { holder, heir } = await holderAndHeir({}, other);
    expect(await holder.release()).toBe(true);
    expect((await heir).sessionId).not.toBe(holder.sessionId);
    await (await heir).release();
    await scene.fake.kv.del(FULL_KEY);
  });

  it('is one of a session of the user’s', async () => {
    const session = await scene.userSession();
    const holder = await scene.lock({ session }).acquire();
    const heir = scene.lock({ session: await scene.userSession() }).acquire(WAITING);
    expect(await holder.release()).toBe(true);
    expect((await heir).sessionId).not.toBe(session);
    await enjoyed(heir);
  });

  it('is one of a session in doubt, which is ended', async () => {
    const { holder, heir } = await holderAndHeir();
    scene.client.on('transaction', once(cutAnswer));
    await failureOf(async () => await holder.transaction([{ KV: { Verb: 'get', Key: FULL_KEY } }]));
    expect(await holder.release()).toBe(true);
    expect((await heir).sessionId).not.toBe(holder.sessionId);
    expect(scene.fake.sessions()).toHaveLength(1);
    await enjoyed(heir);
  });

  it('is one with a write of the holder under way', async () => {
    const { holder, heir } = await holderAndHeir({ requestTimeoutMs: 200 });
    scene.client.on('transaction', once(hang));
    const writing = failureOf(async () => await holder.transaction([{ KV: { Verb: 'get', Key: FULL_KEY } }]));
    expect(await holder.release()).toBe(true);
    expect((await heir).sessionId).not.toBe(holder.sessionId);
    await writing;
    await enjoyed(heir);
  });

  it('is one whose lock was lost', async () => {
    const { holder, heir } = await holderAndHeir();
    await scene.fake.kv.del(FULL_KEY);
    expect(await holder.release()).toBe(false);
    await enjoyed(heir);
  });

  it.each([
    ['is one', true],
    ['needs no waiter here, and is one', false],
  ])('%s whose lock another has by the same index, as after a restored snapshot', async (_title, hasHeir) => {
    scene.client.on(
      'transaction',
      once(async (send) => {
        const answer = (await send()) as [unknown, { Results: { KV: { ModifyIndex: number } }[] }];
        // As high as that of the other will be.
        answer[1].Results[0]!.KV.ModifyIndex += 3;
        return answer;
      }),
    );
    const holder = await scene.lock().acquire();
    await scene.fake.kv.del(FULL_KEY);
    const other = await scene.otherLock().acquire();
    expect(other.fencingToken).toBe(holder.fencingToken);
    const heir = hasHeir ? scene.lock().acquire(WAITING) : undefined;
    expect(await holder.release()).toBe(false);
    expect(await other.verify()).toBe(true);
    expect(await other.release()).toBe(true);
    if (heir) await enjoyed(heir);
  });

  it('is one of a lock that was rewritten by somebody else', async () => {
    const { holder, heir } = await holderAndHeir();
    await scene.fake.kv.set({ key: FULL_KEY, value: 'rewritten' });
    expect(await holder.release()).toBe(true);
    await enjoyed(heir);
  });
});

describe('a handing over in doubt', () => {
  it.each([
    ['was carried out', cutAnswer],
    [
      'was not carried out',
      once(
        async () => await Promise.reject(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })),
      ),
    ],
  ])('that %s ends in giving back and taking anew', async (_title, hook) => {
    const { holder, heir } = await holderAndHeir();
    scene.client.on('transaction', handingOver(once(hook)));
    expect(await holder.release()).toBe(true);
    const handle = await heir;
    expect(handle.sessionId).not.toBe(holder.sessionId);
    expect(scene.fake.sessions().map(({ ID }) => ID)).toEqual([handle.sessionId]);
    await enjoyed(heir);
  });

  it.each<[string, Hook, Hook | undefined]>([
    ['was not answered', cutAnswer, undefined],
    ['came too late for its heir', async (send) => await send(), refuse],
  ])('that %s is not counted by the attempt after it', async (_title, hook, onRenewal) => {
    const { holder, heir } = await holderAndHeir({ lockTimeoutMs: 1_000 });
    await scene.fake.advance(600);
    scene.client.on('transaction', handingOver(once(hook)));
    if (onRenewal) scene.client.on('session.renew', once(onRenewal));
    expect(await holder.release()).toBe(true);
    await scene.fake.advance(0);
    await heir;
    expect(linksOf((await scene.entry())!.Flags)).toBe(0);
    await enjoyed(heir);
  });

  it('that is answered with another’s lock ends the session', async () => {
    const { holder, heir } = await holderAndHeir();
    scene.client.on(
      'transaction',
      handingOver(
        once(async (send) => {
          const answer = (await send()) as [unknown, { Results: { KV: { Session: string } }[] }];
          answer[1].Results[0]!.KV.Session = '00000000-0000-4000-8000-000000000000';
          return answer;
        }),
      ),
    );
    await holder.release();
    expect((await heir).sessionId).not.toBe(holder.sessionId);
    expect(scene.fake.sessions().map(({ ID }) => ID)).not.toContain(holder.sessionId);
    await enjoyed(heir);
  });

  it('that is carried out late takes nothing', async () => {
    const { holder, heir } = await holderAndHeir({ requestTimeoutMs: 100 });
    let carryOut = async (): Promise<unknown> => undefined;
    scene.client.on(
      'transaction',
      handingOver(async (send) => {
        carryOut = send;
        return await new Promise<never>(() => {});
      }),
    );
    await holder.release();
    const handle = await heir;
    await carryOut().catch(() => {});
    expect(await scene.entry()).toMatchObject({ Session: handle.sessionId });
    await enjoyed(heir);
  });
});

describe('a waiter that is not looking', () => {
  it.each([700, 800, 900, 950, 990])(
    'since a lock delay ended after %d ms is not handed the lock behind its back, nor are two given it',
    async (delayMs) => {
      const delayed = await scene.otherLock({ lockDelayMs: delayMs }).acquire();
      scene.fake.invalidateSession(delayed.sessionId);
      const first = failureOf(async () => {
        await (await scene.lock().acquire({ acquireTimeoutMs: 1_000 })).release();
        throw new Error('had it');
      });
      await scene.client.next('transaction');
      const second = scene.lock().acquire(WAITING);
      // It pauses between its attempts while the delay runs, and longer each time.
      await scene.fake.advance(delayMs + 1);
      const passing = await scene.lock().tryAcquire();
      await passing?.release();
      await scene.fake.advance(1_000 - delayMs);
      expect(await first).toMatchObject({
        message: expect.stringMatching(/had it|another contender|lock delay/),
      });
      const handle = await second;
      expect([handle.isHeld, await handle.verify()]).toEqual([true, true]);
      const other = await scene.otherLock().tryAcquire();
      expect(other).toBeNull();
      await enjoyed(second);
    },
  );

  it('while it asks whether a holder here still has the lock is not handed it behind its back', async () => {
    const { holder, heir } = await holderAndHeir({ requestTimeoutMs: 300 });
    const isConsistent = ({ options }: SentRequest): boolean => options['consistent'] === true;
    const asking = scene.client.next('kv.get', isConsistent);
    // A server that lags shows no key yet, and the leader does not answer.
    scene.client.on('kv.get', async (send, request) =>
      isConsistent(request) ? await hang(send, request) : undefined,
    );
    await asking;
    expect(await holder.release()).toBe(true);
    scene.client.heal();
    const other = await scene.otherLock().acquire();
    expect(await other.release()).toBe(true);
    await enjoyed(heir);
  });

  it('takes a lock that came free though it may not ask for the holder here that has lost it', async () => {
    const holder = await scene.lock({ token: 'revoked' }).acquire();
    scene.client.on('kv.get', async (send, request) =>
      request.options['token'] === 'revoked' ? await deny(send, request) : await send(),
    );
    scene.fake.invalidateSession(holder.sessionId);
    const handle = await scene.lock().acquire(WAITING);
    expect([handle.isHeld, holder.isHeld, await handle.verify()]).toEqual([true, false, true]);
    await handle.release();
    await holder.release();
  });

  it('leaves what its holder says of itself alone: the token of a released handle stays its own', async () => {
    const { holder, heir } = await holderAndHeir();
    const token = holder.fencingToken;
    const verifying = holder.verify();
    await holder.release();
    await verifying;
    expect(holder.fencingToken).toBe(token);
    await enjoyed(heir);
  });
});

describe('a session whose end is decided', () => {
  it('since a release failed neither goes to the next lock nor to an heir', async () => {
    const { holder, heir } = await holderAndHeir({ retryTimeoutMs: 0 });
    const outage = (): void => scene.client.on(['transaction', 'session.destroy'], refuse);
    outage();
    expect(await failureOf(async () => await holder.release())).toMatchObject({ code: 'CONSUL_UNAVAILABLE' });
    scene.client.heal();
    await holder.release();
    const handle = await heir;
    expect(handle.sessionId).not.toBe(holder.sessionId);
    await scene.aftermath();
    expect([handle.isHeld, await handle.verify()]).toEqual([true, true]);
    await enjoyed(heir);
  });

  it('is not kept for later either', async () => {
    const handle = await scene.lock({ retryTimeoutMs: 0 }).acquire();
    scene.client.on(['transaction', 'session.destroy'], refuse);
    await failureOf(async () => await handle.release());
    scene.client.heal();
    expect(await handle.release()).toBe(true);
    const next = await scene.lock({}, 'other').acquire();
    await scene.aftermath();
    expect(next.sessionId).not.toBe(handle.sessionId);
    expect(await next.verify()).toBe(true);
    await next.release();
  });
});

describe('handing over again and again', () => {
  /** Whether each release was a handing over. */
  async function releases(count: number, between = async (): Promise<void> => {}): Promise<boolean[]> {
    const waiting = Array.from({ length: count + 1 }, async () => await scene.lock().acquire(WAITING));
    const handed: boolean[] = [];
    for (const [index, acquiring] of waiting.entries()) {
      const handle = await acquiring;
      const sent = scene.client.count('transaction');
      await between();
      await handle.release();
      if (index < count) handed.push(verbsSince(sent)[0]?.at(-1) === 'cas');
    }
    return handed;
  }

  it('is followed by a giving back after 16 times, for the sake of other processes', async () => {
    const other = await scene.otherLock().acquire();
    const handing = releases(18);
    await scene.client.next('kv.get', ({ options }) => options['index'] !== undefined);
    await other.release();
    expect(await handing).toEqual([...Array<boolean>(16).fill(true), false, true]);
  });

  it('is followed by one after 32 times, where no others are seen: there may be some', async () => {
    expect(await releases(34)).toEqual([...Array<boolean>(32).fill(true), false, true]);
  });

  it('asks Consul for nothing else', async () => {
    await releases(10);
    expect(scene.client.count('kv.get')).toBe(0);
  });

  it('is followed by a giving back after a tenth of a second', async () => {
    const handed = await releases(4, async () => await scene.fake.advance(60));
    expect(handed).toEqual([true, true, false, true]);
  });
});

it('a rewriting by the holder does not stand in the way of a handing over', async () => {
  const { holder, heir } = await holderAndHeir();
  await holder.transaction([{ KV: { Verb: 'set', Key: FULL_KEY, Value: base64('new') } }]);
  await holder.release();
  expect((await heir).sessionId).toBe(holder.sessionId);
  await enjoyed(heir);
});
