import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { CLOCK, type Clock } from '../../lib/clock.ts';
import { FakeConsul, type FakeOperation } from '../../lib/testing/index.ts';
import { describeClientContract } from './client-contract.ts';
import { failureOf, kv, NO_SESSION, withResponse } from './client/harness.ts';

// One for all tests, as they share a real server, too.
const shared = new FakeConsul({ sessionTtlMinMs: 100 });

describeClientContract('FakeConsul', {
  client: () => shared,
  advance: async (ms) => await shared.advance(ms),
  shortTtls: true,
});

function clockOf(fake: FakeConsul): Clock {
  return (fake as unknown as { [CLOCK]: Clock })[CLOCK];
}

describe('the time of a FakeConsul', () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  it('stands still until it is advanced', async () => {
    const fake = new FakeConsul({ now: 1_000 });
    await fake.session.create({ ttl: '10s' });
    expect(fake.now()).toBe(1_000);
    await fake.advance(2_500);
    expect(fake.now()).toBe(3_500);
  });

  it('starts at a number, a date, or now', () => {
    expect(new FakeConsul({ now: new Date(5_000) }).now()).toBe(5_000);
    expect(Math.abs(new FakeConsul().now() - Date.now())).toBeLessThan(1_000);
  });

  it('follows a function, to which it adds', async () => {
    let base = 100;
    const fake = new FakeConsul({ now: () => base });
    const { ID } = await fake.session.create({ ttl: '10s' });
    await fake.advance(50);
    expect(fake.now()).toBe(150);
    base += 20_000;
    expect(await fake.session.info(ID)).toBeUndefined();
  });

  it('stops at each timer on its way, in their order, and at those that they start', async () => {
    const fake = new FakeConsul({ now: 0 });
    const clock = clockOf(fake);
    const seen: [string, number][] = [];
    clock.schedule(30, () => seen.push(['late', fake.now()]));
    clock.schedule(10, () => {
      seen.push(['early', fake.now()]);
      clock.schedule(5, () => seen.push(['next', fake.now()]));
    });
    clock.schedule(20, () => seen.push(['disposed', fake.now()]))();
    await fake.advance(29);
    expect(seen).toEqual([
      ['early', 10],
      ['next', 15],
    ]);
    await fake.advance(1);
    expect(seen.at(-1)).toEqual(['late', 30]);
  });

  it('waits for the requests that a timer has started, one after another', async () => {
    const fake = new FakeConsul();
    const write = async (): Promise<void> => {
      for (let turn = 0; turn < 50; turn += 1) await fake.kv.set(`k${turn}`, 'v');
    };
    clockOf(fake).schedule(10, () => void write());
    await fake.advance(10);
    expect(fake.keys()).toHaveLength(50);
  });

  it('fires a timer without delay by itself', async () => {
    const fired = jest.fn();
    clockOf(new FakeConsul()).schedule(0, fired);
    expect(fired).not.toHaveBeenCalled();
    await Promise.resolve();
    expect(fired).toHaveBeenCalledTimes(1);
  });

  it('moves by the sum of advances that overlap', async () => {
    const fake = new FakeConsul({ now: 0 });
    await Promise.all([fake.advance(10), fake.advance(20)]);
    expect(fake.now()).toBe(30);
  });

  it("is not stopped by jest's fake timers", async () => {
    jest.useFakeTimers();
    const fake = new FakeConsul();
    const { ID } = await fake.session.create({ ttl: '10s' });
    await fake.advance(20_000);
    expect(await fake.session.info(ID)).toBeUndefined();
  });

  it.each([-1, NaN, Infinity])('cannot advance by %p', async (ms) => {
    await expect(new FakeConsul().advance(ms)).rejects.toThrow(RangeError);
  });

  it('can advance by a number only', async () => {
    await expect(new FakeConsul().advance('10' as never)).rejects.toThrow(TypeError);
  });

  it.each([
    { now: 'noon' },
    { now: NaN },
    { now: () => 'noon' },
    { clock: 5 },
    { sessionTtlMinMs: '200' },
    null,
  ])('cannot be made with %p', (options) => {
    expect(() => new FakeConsul(options as never)).toThrow(TypeError);
  });

  it.each([0, -1, NaN, Infinity])('cannot have a shortest TTL of %p', (sessionTtlMinMs) => {
    expect(() => new FakeConsul({ sessionTtlMinMs })).toThrow(
      new RangeError(`sessionTtlMinMs: must be a number of milliseconds > 0; got ${sessionTtlMinMs}`),
    );
  });
});

describe('a fault of a FakeConsul', () => {
  it('fails the next call with nothing done, each call once', async () => {
    const fake = new FakeConsul();
    const [one, two] = [new Error('one'), new Error('two')];
    fake.failNext('transaction', one);
    fake.failNext('transaction', two);
    const set = async (): Promise<unknown> => await fake.transaction.create([kv('set', 'k')]);
    await expect(set()).rejects.toBe(one);
    await expect(set()).rejects.toBe(two);
    expect(fake.keys()).toEqual([]);
    await set();
    expect(fake.keys()).toEqual(['k']);
  });

  it('loses the answer of a call that is carried out, at once', async () => {
    const fake = new FakeConsul();
    fake.loseAnswerOf('session.create');
    const failure = await failureOf(fake.session.create({ ttl: '10s', timeout: 500 }));
    expect(failure).toEqual({ isPapi: true, isTimeout: true, message: 'request timed out (500ms)' });
    expect(fake.sessions()).toHaveLength(1);
  });

  it('loses the answer of a blocking query without its wait', async () => {
    const fake = new FakeConsul();
    fake.loseAnswerOf('kv.get');
    const failure = await failureOf(fake.kv.get({ key: 'k', index: 1_000, wait: '10s' }));
    expect(failure).toMatchObject({ isTimeout: true });
  });

  it('does not befall a call that is never sent', async () => {
    const fake = new FakeConsul();
    fake.failNext('session.info', new Error('for the next one'));
    await failureOf(fake.session.info({}));
    await expect(fake.session.info(NO_SESSION)).rejects.toThrow('for the next one');
  });

  it.each(['kv.set', 'transaction.create', '', undefined])('cannot befall %p', (operation) => {
    const fake = new FakeConsul();
    const listing = /session\.create, session\.renew, .*, kv\.get, transaction/;
    expect(() => fake.failNext(operation as FakeOperation, new Error('never'))).toThrow(listing);
    expect(() => fake.loseAnswerOf(operation as FakeOperation)).toThrow(TypeError);
  });

  it('ends a session at once, and wakes who waits for its key', async () => {
    const fake = new FakeConsul();
    const { ID } = await fake.session.create({ ttl: '10s', behavior: 'delete', lockdelay: '1s' });
    await fake.kv.set({ key: 'k', value: 'v', acquire: ID });
    const { ModifyIndex } = await fake.kv.get('k');
    const waiting = fake.kv.get({ key: 'k', index: ModifyIndex, wait: '10s' });
    await fake.advance(0);
    expect(fake.invalidateSession(ID)).toBe(true);
    expect([fake.keys(), fake.sessions()]).toEqual([[], []]);
    expect(await waiting).toBeUndefined();
    const next = await fake.session.create({ ttl: '10s' });
    expect(await fake.kv.set({ key: 'k', value: 'v', acquire: next.ID })).toBeUndefined();
    expect(fake.invalidateSession(ID)).toBe(false);
  });
});

// Later versions of Consul have other ideas, so this is no part of the contract.
describe('a blocking query of a FakeConsul on a missing key', () => {
  it.each([
    ['its folder', 'folder/other', 100],
    ['elsewhere', 'elsewhere', 1_000],
  ])('ends as in Consul 1.8 when a key in %s is written', async (_where, written, endsAt) => {
    const fake = new FakeConsul({ now: 0 });
    await fake.kv.set('folder/one', 'v');
    await fake.kv.set('folder/two', 'v');
    const [response] = await fake.kv.get({ key: 'folder/missing', ...withResponse() });
    const index = response.headers['x-consul-index'];
    const ended = fake.kv.get({ key: 'folder/missing', index, wait: '1s' }).then(() => fake.now());
    await fake.advance(100);
    await fake.kv.set(written, 'v');
    await fake.advance(1_000);
    expect(await ended).toBe(endsAt);
  });
});

it('counts the writes of a FakeConsul, refused ones too', async () => {
  const fake = new FakeConsul();
  const before = fake.raftIndex;
  const { ID } = await fake.session.create({ ttl: '10s' });
  await fake.kv.set({ key: 'k', value: 'v', acquire: ID });
  await fake.kv.set({ key: 'k', value: 'v', cas: 0 });
  await failureOf(fake.transaction.create([kv('check-not-exists', 'k'), kv('set', 'k')]));
  expect(fake.raftIndex).toBe(before + 4);
  await fake.session.renew(ID);
  await fake.kv.get('k');
  await fake.transaction.create([kv('check-session', 'k', { Session: ID })]);
  expect(fake.raftIndex).toBe(before + 4);
});
