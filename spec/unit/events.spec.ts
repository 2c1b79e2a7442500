import { channel, tracingChannel } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { events } from '../../lib/events.ts';
import {
  type AcquireMessage,
  configure,
  EphemeralLock,
  type HoldMessage,
  type LostMessage,
  type ReleaseMessage,
  type RenewMessage,
  resetDefaults,
  shutdown,
} from '../../lib/index.ts';
import { FakeConsul } from '../../lib/testing/index.ts';
import { failureOf } from '../support/failure-of.ts';
import { FakeScene, FULL_KEY, LogBook } from '../support/fake-scene.ts';
import { refuse } from '../support/hooked-client.ts';

const TTL_MS = 10_000;
const KEYS = { keys: ['key'], fullKeys: [FULL_KEY] };
const TRACED = ['acquire', 'hold', 'release'] as const;

/** What is told as a program would hear it: by the names of the channels. */
class Listener {
  readonly told: { readonly event: string; readonly message: object; readonly asItWas: object }[] = [];
  readonly #leave: (() => void)[] = [];

  traces(...names: readonly (typeof TRACED)[number][]): this {
    for (const name of names) {
      const traced = tracingChannel(`consul-lock:${name}`);
      const hear =
        (moment: string) =>
        (message: object): void =>
          this.#hear(`${name}:${moment}`, message);
      const subscribers = {
        start: hear('start'),
        end: () => {},
        asyncStart: () => {},
        asyncEnd: hear('asyncEnd'),
        error: hear('error'),
      };
      traced.subscribe(subscribers);
      this.#leave.push(() => traced.unsubscribe(subscribers));
    }
    return this;
  }

  plain(...names: readonly ('lost' | 'renew')[]): this {
    for (const name of names) {
      const hear = (message: unknown): void => this.#hear(name, message as object);
      channel(`consul-lock:${name}`).subscribe(hear);
      this.#leave.push(() => channel(`consul-lock:${name}`).unsubscribe(hear));
    }
    return this;
  }

  get events(): string[] {
    return this.told.map(({ event }) => event);
  }

  of<M extends object>(event: string): M[] {
    return this.told.filter((one) => one.event === event).map(({ asItWas }) => asItWas as M);
  }

  leave(): void {
    for (const leave of this.#leave.splice(0)) leave();
  }

  #hear(event: string, message: object): void {
    this.told.push({ event, message, asItWas: { ...message } });
  }
}

let scene: FakeScene;
let listener: Listener;

beforeEach(() => {
  scene = new FakeScene();
  listener = new Listener();
});

afterEach(async () => {
  listener.leave();
  await scene.end();
  resetDefaults();
});

describe('consul-lock:acquire', () => {
  beforeEach(() => void listener.traces('acquire'));

  it('tells of a lock that is taken, before its first request and when the handle is there', async () => {
    const acquiring = scene.lock({ lockTimeoutMs: TTL_MS }).acquire();
    expect(listener.events).toEqual(['acquire:start']);
    expect(scene.client.sent).toEqual([]);
    const handle = await acquiring;
    expect(listener.events).toEqual(['acquire:start', 'acquire:asyncEnd']);
    expect(listener.of<AcquireMessage>('acquire:asyncEnd')).toEqual([
      {
        ...KEYS,
        attempts: 1,
        waitedMs: expect.any(Number),
        fencingToken: handle.fencingToken,
        result: handle,
      },
    ]);
    await handle.release();
  });

  it('tells with one message of one acquisition, by which its beginning and its end are matched', async () => {
    const handles = await Promise.all([scene.lock({}, 'one').acquire(), scene.lock({}, 'two').acquire()]);
    const messagesOf = (key: string): Set<object> =>
      new Set(
        listener.told.map(({ message }) => message).filter((m) => (m as AcquireMessage).keys[0] === key),
      );
    expect([messagesOf('one').size, messagesOf('two').size]).toEqual([1, 1]);
    expect(listener.events).toHaveLength(4);
    await Promise.all(handles.map(async (handle) => await handle.release()));
  });

  it('tells of contention: no token, null as the result, and no error', async () => {
    const held = await scene.otherLock({ lockTimeoutMs: TTL_MS }).acquire();
    listener.told.length = 0;
    await scene.lock().tryAcquire();
    expect(listener.events).toEqual(['acquire:start', 'acquire:asyncEnd']);
    const [ended] = listener.of<AcquireMessage>('acquire:asyncEnd');
    expect(ended).toMatchObject({ ...KEYS, attempts: 1, fencingToken: undefined, result: null });
    expect(ended).not.toHaveProperty('error');
    await held.release();
  });

  it('tells of a failure, with the error that the caller gets', async () => {
    scene.client.on(['session.create', 'transaction'], refuse);
    const error = await failureOf(async () => await scene.lock({ retryTimeoutMs: 0 }).acquire());
    expect(listener.events).toEqual(['acquire:start', 'acquire:error', 'acquire:asyncEnd']);
    expect(listener.of<AcquireMessage>('acquire:asyncEnd')).toMatchObject([
      { ...KEYS, waitedMs: expect.any(Number), fencingToken: undefined, error },
    ]);
  });

  it('tells of what is refused before an attempt', async () => {
    await shutdown();
    const error = await failureOf(async () => await scene.lock().acquire());
    expect(listener.of<AcquireMessage>('acquire:asyncEnd')).toEqual([
      { ...KEYS, waitedMs: 0, attempts: 0, fencingToken: undefined, error },
    ]);
    resetDefaults();
  });

  it('tells how long a lock was waited for that was handed over within the process', async () => {
    const held = await scene.lock().acquire();
    const waiting = scene.lock({ acquireTimeoutMs: 5_000 }).acquire();
    await scene.client.next('kv.get');
    const released = held.release();
    const next = await waiting;
    await released;
    const { waitedMs, attempts, fencingToken } = listener.of<AcquireMessage>('acquire:asyncEnd')[1]!;
    expect([Number.isInteger(waitedMs), fencingToken]).toEqual([true, next.fencingToken]);
    expect(attempts).toBeGreaterThanOrEqual(1);
    await next.release();
  });

  it('tells nothing of wrong arguments', async () => {
    await failureOf(async () => await scene.lock().acquire({ acquireTimeoutMs: -1 }));
    expect(listener.told).toEqual([]);
  });
});

describe('consul-lock:hold', () => {
  it('tells of the whole, with the acquisition and the release inside of it', async () => {
    listener.traces('hold', 'acquire', 'release');
    await scene.lock({ lockTimeoutMs: TTL_MS }).hold(async () => {
      await scene.fake.advance(2_000);
      return 'done';
    });
    expect(listener.events).toEqual([
      'hold:start',
      'acquire:start',
      'acquire:asyncEnd',
      'release:start',
      'release:asyncEnd',
      'hold:asyncEnd',
    ]);
    expect(listener.of<HoldMessage>('hold:asyncEnd')).toEqual([{ ...KEYS, heldMs: 2_000, result: 'done' }]);
  });

  it('tells what the function rejected with, and for how long the lock was held', async () => {
    listener.traces('hold');
    const error = await failureOf(async () => {
      await scene.lock({ lockTimeoutMs: TTL_MS }).hold(async () => {
        await scene.fake.advance(500);
        throw new Error('the work failed');
      });
    });
    expect(listener.of<HoldMessage>('hold:asyncEnd')).toEqual([{ ...KEYS, heldMs: 500, error }]);
  });

  it('tells of a loss, with the time until then', async () => {
    listener.traces('hold').plain('lost');
    const error = await failureOf(async () => {
      await scene.lock({ lockTimeoutMs: TTL_MS }).hold(async () => await scene.fake.advance(TTL_MS));
    });
    expect(listener.events).toEqual(['hold:start', 'lost', 'hold:error', 'hold:asyncEnd']);
    expect(listener.of<HoldMessage>('hold:asyncEnd')).toEqual([{ ...KEYS, heldMs: TTL_MS, error }]);
  });

  it('tells of one that was not acquired: it was held for no time', async () => {
    const held = await scene.otherLock({ lockTimeoutMs: TTL_MS }).acquire();
    listener.traces('hold');
    const error = await failureOf(async () => await scene.lock().hold(() => {}));
    expect(listener.of<HoldMessage>('hold:asyncEnd')).toEqual([{ ...KEYS, heldMs: 0, error }]);
    await held.release();
  });
});

describe('consul-lock:release', () => {
  beforeEach(() => void listener.traces('release').plain('lost'));

  it('tells how long the lock was held, and what was left of its time', async () => {
    const handle = await scene.lock({ lockTimeoutMs: TTL_MS }).acquire();
    await scene.fake.advance(3_000);
    await handle.release();
    expect(listener.of<ReleaseMessage>('release:start')).toEqual([
      { ...KEYS, heldMs: 3_000, marginMs: 7_000, stillOurs: undefined },
    ]);
    expect(listener.of<ReleaseMessage>('release:asyncEnd')).toEqual([
      { ...KEYS, heldMs: 3_000, marginMs: 7_000, stillOurs: true, result: true },
    ]);
  });

  it('tells once of one whose abort listener and whose subscriber release the lock as well', async () => {
    const handle = await scene.lock({ lockTimeoutMs: TTL_MS }).acquire();
    const late = await scene.lock({ lockTimeoutMs: TTL_MS }, 'late').acquire();
    const answers: Promise<boolean>[] = [];
    const { start } = tracingChannel('consul-lock:release');
    const again = (): void => void answers.push(handle.release());
    start.subscribe(again);
    expect(await handle.release()).toBe(true);
    start.unsubscribe(again);
    expect(await Promise.all(answers)).toEqual([true]);
    expect(listener.events).toEqual(['release:start', 'release:asyncEnd']);
    listener.told.length = 0;
    late.signal.addEventListener('abort', () => void answers.push(late.release()));
    await scene.fake.advance(TTL_MS);
    expect(await late.release()).toBe(false);
    expect(listener.events).toEqual(['lost', 'release:start', 'release:asyncEnd']);
  });

  it('does not count what a subscriber takes as time that is not over', async () => {
    const clock = { nowMs: 1_000_000 };
    const fake = new FakeConsul({ now: () => clock.nowMs });
    const handle = await new EphemeralLock('key', { consulClient: fake, lockTimeoutMs: TTL_MS }).acquire();
    const { start } = tracingChannel('consul-lock:release');
    const slow = (): void => void (clock.nowMs += 5_000);
    clock.nowMs += 9_000;
    start.subscribe(slow);
    expect(await handle.release()).toBe(false);
    start.unsubscribe(slow);
  });

  it('tells once of releases that are asked for together, and never of one that is repeated', async () => {
    const handle = await scene.lock().acquire();
    await Promise.all([handle.release(), handle.release()]);
    await handle.release();
    expect(listener.events).toEqual(['release:start', 'release:asyncEnd']);
  });

  it('tells that a lost lock was not ours any more', async () => {
    const handle = await scene.lock({ lockTimeoutMs: TTL_MS }).acquire();
    await scene.fake.advance(TTL_MS);
    await handle.release();
    expect(listener.events).toEqual(['lost', 'release:start', 'release:asyncEnd']);
    expect(listener.of<ReleaseMessage>('release:asyncEnd')).toMatchObject([
      { heldMs: TTL_MS, marginMs: 0, stillOurs: false },
    ]);
  });

  it('tells of a loss that turns out at the release', async () => {
    const handle = await scene.lock().acquire();
    scene.fake.invalidateSession(handle.sessionId);
    await handle.release();
    expect(listener.events).toEqual(['release:start', 'lost', 'release:asyncEnd']);
    expect(listener.of<LostMessage>('lost')).toEqual([{ ...KEYS, reason: 'session-invalidated' }]);
  });

  it('does not claim to know what Consul could not be told, and tells of the next try', async () => {
    const handle = await scene.lock({ retryTimeoutMs: 0 }).acquire();
    scene.client.on(['transaction', 'kv.get', 'session.destroy'], refuse);
    const error = await failureOf(async () => await handle.release());
    scene.client.heal();
    expect(await handle.release()).toBe(true);
    expect(listener.events).toEqual([
      'release:start',
      'release:error',
      'release:asyncEnd',
      'release:start',
      'release:asyncEnd',
    ]);
    expect(listener.of<ReleaseMessage>('release:asyncEnd')).toMatchObject([
      { stillOurs: undefined, error },
      { stillOurs: true },
    ]);
  });
});

describe('consul-lock:lost', () => {
  beforeEach(() => void listener.plain('lost'));

  it('tells once of one loss, however often it is noticed', async () => {
    const handle = await scene.lock().acquire();
    const { signal } = handle;
    scene.fake.invalidateSession(handle.sessionId);
    await Promise.all([handle.verify(), handle.verify()]);
    await handle.release();
    expect(signal.aborted).toBe(true);
    expect(listener.of<LostMessage>('lost')).toEqual([{ ...KEYS, reason: 'session-invalidated' }]);
  });

  it('tells of a holder that shutdown takes the lock from, and not of one that releases in its grace', async () => {
    const [slow, quick] = [await scene.lock({}, 'slow').acquire(), await scene.lock({}, 'quick').acquire()];
    quick.signal.addEventListener('abort', () => void quick.release());
    await shutdown({ graceMs: 50 });
    expect(slow.isHeld).toBe(false);
    expect(listener.of<LostMessage>('lost')).toEqual([
      { keys: ['slow'], fullKeys: ['locks/ephemeral/slow'], reason: 'shutdown' },
    ]);
  });
});

describe('consul-lock:renew', () => {
  it('tells of renewals that succeeded, with the time that the holder has now', async () => {
    listener.plain('renew');
    const handle = await scene.lock({ lockTimeoutMs: TTL_MS, retryTimeoutMs: 0 }).acquire();
    await scene.fake.advance(4_000);
    await Promise.all([handle.renew(), handle.renew()]);
    expect(listener.of<RenewMessage>('renew')).toEqual([{ ...KEYS, remainingMs: TTL_MS }]);
    scene.client.on('session.renew', refuse);
    await failureOf(async () => await handle.renew());
    expect(listener.told).toHaveLength(1);
    await handle.release();
  });

  it('tells of those in the background too', async () => {
    listener.plain('renew');
    const handle = await scene.lock({ lockTimeoutMs: TTL_MS, renew: true }).acquire();
    const renewed = scene.client.next('session.renew');
    for (let i = 0; i < 4; i++) await scene.fake.advance(1_000);
    await renewed;
    await handle.verify();
    expect(listener.events).toEqual(['renew']);
    await handle.release();
  });
});

describe('events', () => {
  it('are neither made nor traced without a subscriber', async () => {
    const spies = [
      ...TRACED.map((name) => jest.spyOn(events[name], 'tracePromise')),
      ...(['lost', 'renew'] as const).map((name) => jest.spyOn(events[name], 'publish')),
    ];
    const lock = scene.lock({ lockTimeoutMs: TTL_MS });
    await lock.hold(async (handle) => await handle.renew());
    const handle = await lock.acquire();
    await scene.fake.advance(TTL_MS);
    expect(await handle.release()).toBe(false);
    expect(spies.map((spy) => spy.mock.calls.length)).toEqual([0, 0, 0, 0, 0]);
  });

  it('run the work in the context that a subscriber bound to them', async () => {
    const { AsyncLocalStorage } = await import('node:async_hooks');
    const span = new AsyncLocalStorage<string>();
    const { start } = tracingChannel('consul-lock:hold');
    start.bindStore(span, (message) => `hold of ${(message as HoldMessage).keys.join()}`);
    const seen = await scene.lock().hold(async () => span.getStore());
    start.unbindStore(span);
    expect(seen).toBe('hold of key');
  });

  it('show neither the value of a lock that is ours nor an ACL token', async () => {
    listener.traces(...TRACED).plain('lost', 'renew');
    configure({ token: 'c0ffee00', generateValue: () => 'a secret value' });
    await scene.lock().hold(async (handle) => {
      await handle.renew();
      await scene.lock().tryAcquire();
    });
    const lost = await scene.lock().acquire();
    scene.fake.invalidateSession(lost.sessionId);
    await lost.release();
    scene.client.on(['session.create', 'transaction', 'kv.get'], refuse);
    await failureOf(async () => await scene.lock({ retryTimeoutMs: 0 }).acquire());
    expect(new Set(listener.events)).toContain('acquire:error');
    expect(inspect(listener.told, { depth: Infinity })).not.toMatch(/c0ffee00|secret/);
  });
});

describe('a logger that throws, as one does whose destination has ended', () => {
  const broken = (): never => {
    throw new Error('SonicBoom destroyed');
  };
  const logger = { debug: broken, warn: broken, child: broken } as never;

  it('does not keep a lock from being given back, nor leave it to two', async () => {
    const handle = await scene.lock({ lockTimeoutMs: TTL_MS, logger }).acquire();
    await scene.fake.advance(9_000);
    expect(await handle.release()).toBe(true);
    const next = await scene.otherLock({ lockTimeoutMs: TTL_MS, logger }).acquire();
    expect([handle.isHeld, next.isHeld]).toEqual([false, true]);
    await next.release();
  });

  it('does not keep a holder from being told of a loss', async () => {
    const handle = await scene.lock({ lockTimeoutMs: TTL_MS, logger }).acquire();
    const { signal } = handle;
    scene.fake.invalidateSession(handle.sessionId);
    expect(await handle.verify()).toBe(false);
    expect(signal.aborted).toBe(true);
    await handle.release();
  });
});

describe('a holder that used more than 80 % of its time', () => {
  const LINE = 'used more than 80 % of the time of a lock';
  let log: LogBook;

  beforeEach(() => {
    log = new LogBook();
  });

  const lock = (options = {}): EphemeralLock =>
    scene.lock({ lockTimeoutMs: TTL_MS, logger: log.logger, ...options });
  const warnings = (): object[] =>
    log.entries.filter(({ message }) => message === LINE).map(({ fields }) => fields);

  it('is named in the log when it gives the lock back', async () => {
    const handle = await lock().acquire();
    await scene.fake.advance(8_100);
    await handle.release();
    await handle.release();
    expect(warnings()).toEqual([
      { keys: ['key'], session: handle.sessionId, heldMs: 8_100, remainingMs: 1_900 },
    ]);
    expect(log.of('warn')).toEqual([LINE]);
  });

  it('is not named when it used less', async () => {
    const handle = await lock().acquire();
    await scene.fake.advance(8_000);
    await handle.release();
    expect(log.of('warn')).toEqual([]);
  });

  it('is named when it renews so late, and has all of its time then', async () => {
    const handle = await lock().acquire();
    await scene.fake.advance(9_000);
    await handle.renew();
    expect(warnings()).toEqual([
      { keys: ['key'], session: handle.sessionId, heldMs: 9_000, remainingMs: 1_000 },
    ]);
    await scene.fake.advance(7_000);
    await handle.release();
    expect(warnings()).toHaveLength(1);
  });

  it('is named once near the ceiling of its renewals, which give no more time there', async () => {
    const handle = await lock({ renew: { maxHoldMs: 15_000 } }).acquire();
    for (const ms of [5_000, 8_500, 500]) {
      await scene.fake.advance(ms);
      await handle.renew();
    }
    await handle.release();
    expect(warnings()).toHaveLength(1);
  });

  it('is not named as one when it lost the lock', async () => {
    const handle = await lock().acquire();
    await scene.fake.advance(TTL_MS);
    await handle.release();
    expect(log.of('warn')).toEqual(['lost a lock']);
  });
});
