import { describe, expect, it, jest } from '@jest/globals';
import { EphemeralLock, LockAcquisitionError } from '../../../lib/index.ts';
import { type Bench, rejectionOf } from './harness.ts';

export function describeAcquiring(bench: () => Bench): void {
  const lock = (options = {}, name = 'key'): EphemeralLock =>
    new EphemeralLock(bench().key(name), { ...bench().options, ...options });

  describe('acquire', () => {
    it('resolves to a handle whose session holds the key in Consul', async () => {
      const handle = await lock().acquire();
      expect(await bench().entry()).toMatchObject({
        Session: handle.sessionId,
        ModifyIndex: handle.fencingToken,
      });
      expect(handle).toMatchObject({
        key: bench().key(),
        keys: [bench().key()],
        fullKey: bench().fullKey(),
        fullKeys: [bench().fullKey()],
        isHeld: true,
      });
      await handle.release();
    });

    it('stores what generateValue returns, which it calls once for each acquisition and key', async () => {
      const generateValue = jest.fn((key: string) => `for ${key}`);
      const handle = await lock({ generateValue }).acquire();
      expect((await bench().entry())?.Value).toBe(`for ${bench().key()}`);
      expect(generateValue.mock.calls).toEqual([[bench().key()]]);
      await handle.release();
    });

    it('describes the holder in the value by default', async () => {
      const handle = await lock().acquire();
      expect(JSON.parse((await bench().entry())?.Value ?? '')).toEqual({
        locked_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        hostname: expect.any(String),
        pid: process.pid,
        lock_id: expect.any(String),
      });
      await handle.release();
    });

    it('gives a greater fencing token each time, with a constant value too', async () => {
      const constant = lock({ generateValue: () => 'constant' });
      const tokens: number[] = [];
      for (let i = 0; i < 3; i++) tokens.push(await constant.hold(({ fencingToken }) => fencingToken));
      expect(tokens).toEqual([...new Set(tokens)].toSorted((a, b) => a - b));
    });

    it('counts the whole TTL at the start', async () => {
      const handle = await lock().acquire();
      expect(handle.remainingMs).toBeGreaterThan(9_000);
      expect(handle.remainingMs).toBeLessThanOrEqual(10_000);
      await handle.release();
    });

    it('rejects with LOCK_NOT_ACQUIRED, and tells who has the lock', async () => {
      const holder = await lock().acquire();
      const error = await rejectionOf(lock().acquire());
      expect(error).toBeInstanceOf(LockAcquisitionError);
      expect(error).toMatchObject({
        code: 'LOCK_NOT_ACQUIRED',
        keys: [bench().key()],
        attempts: 1,
        holder: {
          fullKey: bench().fullKey(),
          locked: true,
          sessionId: holder.sessionId,
          fencingToken: holder.fencingToken,
          sessionName: bench().sessionName,
          ttlMs: 10_000,
          lockedAt: expect.any(Date),
        },
      });
      await holder.release();
    });

    it('resolves to null instead with failHard: false, as tryAcquire does', async () => {
      const holder = await lock().acquire();
      expect(await lock().acquire({ failHard: false })).toBeNull();
      expect(await lock().tryAcquire()).toBeNull();
      await holder.release();
      const handle = await lock().tryAcquire();
      expect(handle?.isHeld).toBe(true);
      await handle?.release();
    });

    it('treats a key held by any session as held, whatever its value', async () => {
      await bench().holdAsForeigner();
      expect(await lock().tryAcquire()).toBeNull();
      expect((await bench().entry())?.Value).toBe('held by somebody else');
      await bench().outsider.kv.del(bench().fullKey());
    });

    it('waits for the holder, and takes the lock when it is released', async () => {
      const holder = await lock().acquire();
      const waiting = lock().acquire({ acquireTimeoutMs: 8_000 });
      await expect(Promise.race([waiting, bench().elapse(100)])).resolves.toBeUndefined();
      await holder.release();
      const handle = await waiting;
      expect(handle.fencingToken).toBeGreaterThan(holder.fencingToken);
      expect(handle.remainingMs).toBeGreaterThan(9_000);
      await handle.release();
    });

    it('takes the lock when the session of a foreign holder ends', async () => {
      const session = await bench().holdAsForeigner();
      const waiting = lock().acquire({ acquireTimeoutMs: 8_000 });
      await bench().elapse(50);
      await bench().outsider.session.destroy(session);
      const handle = await waiting;
      expect(handle.isHeld).toBe(true);
      await handle.release();
    });

    it('gives up after acquireTimeoutMs', async () => {
      const holder = await lock().acquire();
      const rejection = rejectionOf(lock({ acquireTimeoutMs: 200 }).acquire());
      await bench().elapse(250);
      expect(await rejection).toMatchObject({ code: 'LOCK_NOT_ACQUIRED', waitedMs: expect.any(Number) });
      expect((await rejection) as LockAcquisitionError).toHaveProperty('waitedMs', expect.any(Number));
      expect(((await rejection) as LockAcquisitionError).waitedMs).toBeGreaterThanOrEqual(200);
      await holder.release();
    });

    it('rejects with the reason of its signal, as it is, and leaves nothing behind', async () => {
      const holder = await lock().acquire();
      const controller = new AbortController();
      const waiting = lock().acquire({ acquireTimeoutMs: Infinity, signal: controller.signal });
      await bench().elapse(50);
      const reason = { any: 'value' };
      controller.abort(reason);
      expect(await rejectionOf(waiting)).toBe(reason);
      expect(await bench().sessionIds()).toEqual([holder.sessionId]);
      await holder.release();
    });

    it('rejects at once when its signal is aborted already', async () => {
      const reason = new Error('too late');
      expect(await rejectionOf(lock().acquire({ signal: AbortSignal.abort(reason) }))).toBe(reason);
      expect(await bench().sessionIds()).toEqual([]);
    });

    it('leaves a key that never was a lock untouched: LOCK_CONFLICT, with failHard: false too', async () => {
      await bench().outsider.kv.set({ key: bench().fullKey(), value: 'data' });
      for (const failHard of [true, false]) {
        expect(await rejectionOf(lock().acquire({ failHard }))).toMatchObject({ code: 'LOCK_CONFLICT' });
      }
      expect(await bench().entry()).toMatchObject({ Value: 'data', LockIndex: 0 });
      await bench().outsider.kv.del(bench().fullKey());
    });

    it.each([
      ['a time in seconds', '1796000000'],
      ['a time in milliseconds', '1796000000000'],
      ['a time in microseconds', '1796000000000000'],
      ['the largest integer that is safe', '9007199254740991'],
      ['the mark of Go’s locks', '3304740253564472344'],
    ])('knows data for data though its flags are large: %s', async (_title, flags) => {
      await bench().outsider.kv.set({ key: bench().fullKey(), value: 'data', flags });
      expect(await rejectionOf(lock().acquire())).toMatchObject({ code: 'LOCK_CONFLICT' });
      expect(await bench().entry()).toMatchObject({ Value: 'data', LockIndex: 0 });
      await bench().outsider.kv.del(bench().fullKey());
    });

    it('takes a lock that was left behind unlocked', async () => {
      const session = await bench().holdAsForeigner();
      await bench().outsider.kv.set({ key: bench().fullKey(), value: 'left', release: session });
      expect(await bench().entry()).toMatchObject({ Value: 'left', LockIndex: 1 });
      const handle = await lock().acquire();
      expect(await bench().entry()).toMatchObject({ Session: handle.sessionId });
      await handle.release();
    });

    it('leaves no session behind when it gives up', async () => {
      await bench().holdAsForeigner();
      expect(await lock().tryAcquire()).toBeNull();
      expect(await bench().sessionIds()).toEqual([]);
      await bench().outsider.kv.del(bench().fullKey());
    });

    it('lets only one of many contenders in at a time, and everyone gets a turn', async () => {
      let inside = 0;
      let most = 0;
      const turns = await Promise.all(
        Array.from(
          { length: 12 },
          async (_, turn) =>
            await lock().hold(
              async () => {
                most = Math.max(most, ++inside);
                await new Promise(setImmediate);
                inside--;
                return turn;
              },
              { acquireTimeoutMs: 30_000 },
            ),
        ),
      );
      expect(most).toBe(1);
      expect(turns).toHaveLength(12);
    });
  });

  describe('acquire with several keys', () => {
    const several = (...names: string[]): EphemeralLock =>
      new EphemeralLock(
        names.map((name) => bench().key(name)),
        bench().options,
      );

    it('takes every key at once, with one token', async () => {
      const handle = await several('a', 'b', 'c').acquire();
      for (const name of ['a', 'b', 'c']) {
        expect(await bench().entry(name)).toMatchObject({
          Session: handle.sessionId,
          ModifyIndex: handle.fencingToken,
        });
      }
      expect(handle.keys).toEqual(['a', 'b', 'c'].map((name) => bench().key(name)));
      expect(await handle.release()).toBe(true);
      for (const name of ['a', 'b', 'c']) expect(await bench().entry(name)).toBeUndefined();
    });

    it('takes none when one of them is held', async () => {
      const holder = await lock({}, 'b').acquire();
      expect(await several('a', 'b', 'c').tryAcquire()).toBeNull();
      expect(await bench().entry('a')).toBeUndefined();
      expect(await bench().entry('c')).toBeUndefined();
      await holder.release();
    });

    it('takes none when one of them is data', async () => {
      await bench().outsider.kv.set({ key: bench().fullKey('b'), value: 'data' });
      expect(await rejectionOf(several('a', 'b').tryAcquire())).toMatchObject({ code: 'LOCK_CONFLICT' });
      expect(await bench().entry('a')).toBeUndefined();
      await bench().outsider.kv.del(bench().fullKey('b'));
    });

    it('does not deadlock with another that names them in the opposite order', async () => {
      const order: string[] = [];
      const work = async (names: string[]): Promise<void> => {
        await several(...names).hold(() => order.push(names.join()), { acquireTimeoutMs: 20_000 });
      };
      await Promise.all([work(['a', 'b']), work(['b', 'a']), work(['a', 'b']), work(['b', 'a'])]);
      expect(order).toHaveLength(4);
    });
  });

  describe('acquire with a session of the user’s', () => {
    it('uses it, starts its TTL anew, and never destroys it', async () => {
      const session = await bench().foreignSession();
      const handle = await lock({ session, lockTimeoutMs: 60_000 }).acquire();
      expect(handle.sessionId).toBe(session);
      expect(handle.remainingMs).toBeGreaterThan(9_000);
      expect(handle.remainingMs).toBeLessThanOrEqual(10_000);
      expect(await handle.release()).toBe(true);
      expect(await bench().entry()).toBeUndefined();
      expect(await bench().outsider.session.info(session)).toBeDefined();
      await bench().outsider.session.destroy(session);
    });

    it('takes a key that it already holds for contention', async () => {
      const session = await bench().foreignSession();
      const first = await lock({ session, generateValue: () => 'same' }).acquire();
      expect(await lock({ session, generateValue: () => 'same' }).tryAcquire()).toBeNull();
      expect(first.isHeld).toBe(true);
      await first.release();
      await bench().outsider.session.destroy(session);
    });

    it('refuses one without a TTL by a RangeError', async () => {
      const session = await bench().foreignSession({ ttl: '' });
      const error = await rejectionOf(lock({ session }).acquire());
      expect(error).toBeInstanceOf(RangeError);
      expect(String(error)).toContain('session: must have a TTL');
      await bench().outsider.session.destroy(session);
    });

    it('rejects with CONSUL_REJECTED for one that does not exist', async () => {
      const session = '11111111-2222-3333-4444-555555555555';
      expect(await rejectionOf(lock({ session }).tryAcquire())).toMatchObject({
        name: 'ConsulRequestError',
        code: 'CONSUL_REJECTED',
      });
    });
  });
}
