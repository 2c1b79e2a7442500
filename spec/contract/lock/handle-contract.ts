import { describe, expect, it } from '@jest/globals';
import { EphemeralLock, LockLostError, LockNotHeldError } from '../../../lib/index.ts';
import { abortionOf, base64, type Bench, rejectionOf } from './harness.ts';

export function describeHandle(bench: () => Bench): void {
  const lock = (options = {}): EphemeralLock =>
    new EphemeralLock(bench().key(), { ...bench().options, ...options });

  describe('release', () => {
    it('deletes the key, and resolves to true once and to false ever after', async () => {
      const handle = await lock().acquire();
      expect(await handle.release()).toBe(true);
      expect(await bench().entry()).toBeUndefined();
      expect(await handle.release()).toBe(false);
    });

    it('ends isHeld from the moment it is called', async () => {
      const handle = await lock().acquire();
      const releasing = handle.release();
      expect(handle.isHeld).toBe(false);
      expect(handle.remainingMs).toBe(0);
      expect(await releasing).toBe(true);
    });

    it('shares one request among concurrent calls', async () => {
      const handle = await lock().acquire();
      expect(await Promise.all([handle.release(), handle.release()])).toEqual([true, true]);
    });

    it('resolves to false when the key was deleted', async () => {
      const handle = await lock().acquire();
      await bench().outsider.kv.del(bench().fullKey());
      expect(await handle.release()).toBe(false);
      expect(await bench().sessionIds()).toEqual([]);
    });

    it('resolves to false when the session was destroyed, and leaves the next holder alone', async () => {
      const handle = await lock().acquire();
      await bench().outsider.session.destroy(handle.sessionId);
      const next = await lock().acquire();
      expect(await handle.release()).toBe(false);
      expect(await next.verify()).toBe(true);
      await next.release();
    });

    it('gives back a key whose value was overwritten by a plain write', async () => {
      const handle = await lock().acquire();
      await bench().outsider.kv.set({ key: bench().fullKey(), value: 'overwritten' });
      expect(await handle.verify()).toBe(true);
      expect(await handle.release()).toBe(true);
      expect(await bench().entry()).toBeUndefined();
    });

    it('happens at the end of await using', async () => {
      {
        await using handle = await lock().acquire();
        expect(handle.isHeld).toBe(true);
      }
      expect(await bench().entry()).toBeUndefined();
    });

    it('never waits for the lock delay', async () => {
      const delayed = lock({ lockDelayMs: 10_000 });
      await (await delayed.acquire()).release();
      await (await delayed.acquire()).release();
      expect(await bench().entry()).toBeUndefined();
    });
  });

  describe('behavior: release', () => {
    it('leaves the unlocked key and its value behind, to be taken again', async () => {
      const leaving = lock({ behavior: 'release', generateValue: () => 'left' });
      const first = await leaving.acquire();
      expect(await first.release()).toBe(true);
      const entry = await bench().entry();
      expect(entry).toMatchObject({ Value: 'left', LockIndex: 1 });
      expect(entry?.Session).toBeUndefined();
      const second = await leaving.acquire();
      expect(second.fencingToken).toBeGreaterThan(first.fencingToken);
      await second.release();
      await bench().outsider.kv.del(bench().fullKey());
    });

    it('keeps the key a lock after its value was rewritten', async () => {
      const leaving = lock({ behavior: 'release' });
      const first = await leaving.acquire();
      await first.transaction([{ KV: { Verb: 'set', Key: bench().fullKey(), Value: base64('progress') } }]);
      expect(await first.release()).toBe(true);
      expect(await bench().entry()).toMatchObject({ Value: 'progress' });
      const second = await leaving.acquire();
      await bench().outsider.kv.set({ key: bench().fullKey(), value: 'by an outsider' });
      expect(await second.release()).toBe(true);
      expect(await bench().entry()).toMatchObject({ Value: 'by an outsider' });
      await (await lock().acquire()).release();
    });
  });

  describe('verify', () => {
    it('is true while the key is ours, and false once it is released', async () => {
      const handle = await lock().acquire();
      expect(await handle.verify()).toBe(true);
      await handle.release();
      expect(await handle.verify()).toBe(false);
    });

    it.each([
      ['session-invalidated', async (id: string) => await bench().outsider.session.destroy(id)],
      ['key-deleted', async () => await bench().outsider.kv.del(bench().fullKey())],
      [
        'taken',
        async () => {
          await bench().outsider.kv.del(bench().fullKey());
          await bench().holdAsForeigner();
        },
      ],
    ])('finds the loss by an outsider (%s), and the lock stays lost', async (reason, lose) => {
      const handle = await lock().acquire();
      await lose(handle.sessionId);
      expect(handle.isHeld).toBe(true);
      expect(await handle.verify()).toBe(false);
      expect(handle.isHeld).toBe(false);
      expect(handle.signal.aborted).toBe(true);
      expect(handle.signal.reason).toMatchObject({ code: 'LOCK_LOST', reason });
      expect(() => handle.assertHeld()).toThrow(LockLostError);
      expect(await handle.release()).toBe(false);
      await bench().outsider.kv.del(bench().fullKey());
    });
  });

  describe('signal', () => {
    it.each([
      ['session-invalidated', async (id: string) => await bench().outsider.session.destroy(id)],
      ['key-deleted', async () => await bench().outsider.kv.del(bench().fullKey())],
    ])('aborts when the lock is lost to an outsider: %s', async (reason, lose) => {
      const handle = await lock().acquire();
      const { signal } = handle;
      await bench().elapse(50);
      await lose(handle.sessionId);
      expect(await abortionOf(signal)).toMatchObject({
        name: 'LockLostError',
        reason,
        keys: [bench().key()],
      });
      expect(handle.isHeld).toBe(false);
      await handle.release();
    });

    it('aborts when any key of several is lost', async () => {
      const handle = await new EphemeralLock(
        ['a', 'b'].map((name) => bench().key(name)),
        bench().options,
      ).acquire();
      const { signal } = handle;
      await bench().elapse(50);
      await bench().outsider.kv.del(bench().fullKey('b'));
      expect(await abortionOf(signal)).toMatchObject({ reason: 'key-deleted' });
      expect(await handle.release()).toBe(false);
      expect(await bench().entry('a')).toBeUndefined();
    });

    it('is one and the same each time, and does not abort because of a release', async () => {
      const handle = await lock().acquire();
      const { signal } = handle;
      expect(handle.signal).toBe(signal);
      await handle.release();
      await bench().elapse(20);
      expect(signal.aborted).toBe(false);
    });
  });

  describe('assertHeld', () => {
    it('throws LockNotHeldError after a release', async () => {
      const handle = await lock().acquire();
      handle.assertHeld();
      await handle.release();
      expect(() => handle.assertHeld()).toThrow(LockNotHeldError);
    });
  });

  describe('renew', () => {
    it('counts the TTL anew', async () => {
      const handle = await lock().acquire();
      await bench().elapse(300);
      const before = handle.remainingMs;
      await handle.renew();
      expect(handle.remainingMs).toBeGreaterThan(before + 200);
      await handle.release();
    });

    it('rejects with LockLostError when the key is no longer ours, though the session lives', async () => {
      const handle = await lock().acquire();
      await bench().outsider.kv.del(bench().fullKey());
      expect(await rejectionOf(handle.renew())).toMatchObject({ code: 'LOCK_LOST', reason: 'key-deleted' });
      expect(handle.isHeld).toBe(false);
      await handle.release();
    });

    it('rejects with LockLostError when the session is gone', async () => {
      const handle = await lock().acquire();
      await bench().outsider.session.destroy(handle.sessionId);
      expect(await rejectionOf(handle.renew())).toMatchObject({ reason: 'session-invalidated' });
      await handle.release();
    });

    it('rejects with LockNotHeldError after a release', async () => {
      const handle = await lock().acquire();
      await handle.release();
      expect(await rejectionOf(handle.renew())).toBeInstanceOf(LockNotHeldError);
    });

    it('does not go beyond maxHoldMs', async () => {
      const handle = await lock({ renew: { maxHoldMs: 5_000 } }).acquire();
      expect(handle.remainingMs).toBeLessThanOrEqual(5_000);
      await handle.renew();
      expect(handle.remainingMs).toBeLessThanOrEqual(5_000);
      await handle.release();
    });
  });

  describe('transaction', () => {
    it('commits the operations, and resolves to their results', async () => {
      const handle = await lock().acquire();
      const other = bench().fullKey('other');
      const results = await handle.transaction([
        { KV: { Verb: 'set', Key: other, Value: base64('written') } },
        { KV: { Verb: 'get', Key: other } },
      ]);
      expect(results).toHaveLength(2);
      expect(results[1]?.KV).toMatchObject({ Key: other, Value: base64('written') });
      expect((await bench().entry('other'))?.Value).toBe('written');
      await handle.release();
      await bench().outsider.kv.del(other);
    });

    it('adopts the new token when the lock’s own value is rewritten', async () => {
      const handle = await lock().acquire();
      const before = handle.fencingToken;
      const rewrite = [{ KV: { Verb: 'set', Key: bench().fullKey(), Value: base64('same') } }];
      await handle.transaction(rewrite);
      const after = handle.fencingToken;
      await handle.transaction(rewrite);
      expect([after > before, handle.fencingToken > after]).toEqual([true, true]);
      expect(await bench().entry()).toMatchObject({
        Value: 'same',
        ModifyIndex: handle.fencingToken,
        Session: handle.sessionId,
      });
      expect(await handle.verify()).toBe(true);
      expect(await handle.release()).toBe(true);
    });

    it('rejects with CONSUL_REJECTED for an operation refused, with its index, and writes nothing', async () => {
      const handle = await lock().acquire();
      const error = await rejectionOf(
        handle.transaction([
          { KV: { Verb: 'set', Key: bench().fullKey('a'), Value: base64('a') } },
          { KV: { Verb: 'check-index', Key: bench().fullKey('none'), Index: 1 } },
        ]),
      );
      expect(error).toMatchObject({ code: 'CONSUL_REJECTED', keys: [bench().key()] });
      expect(String(error)).toContain('operations[1]');
      expect(await bench().entry('a')).toBeUndefined();
      expect(handle.isHeld).toBe(true);
      await handle.release();
    });

    it('rejects with LockLostError when the lock was lost, and writes nothing', async () => {
      const handle = await lock().acquire();
      await bench().outsider.session.destroy(handle.sessionId);
      const write = { KV: { Verb: 'set', Key: bench().fullKey('a'), Value: base64('a') } };
      expect(await rejectionOf(handle.transaction([write]))).toMatchObject({
        code: 'LOCK_LOST',
        reason: 'session-invalidated',
      });
      expect(await bench().entry('a')).toBeUndefined();
      await handle.release();
    });

    it('rejects with LockNotHeldError after a release', async () => {
      const handle = await lock().acquire();
      await handle.release();
      const write = { KV: { Verb: 'set', Key: bench().fullKey('a'), Value: base64('a') } };
      expect(await rejectionOf(handle.transaction([write]))).toBeInstanceOf(LockNotHeldError);
    });
  });

  describe('session', () => {
    it('carries the name, behavior, lock delay, TTL and checks that were asked for', async () => {
      const handle = await lock({ behavior: 'release', lockDelayMs: 1_500, lockTimeoutMs: 12_000 }).acquire();
      const session = (await bench().outsider.session.list()).find(({ ID }) => ID === handle.sessionId);
      expect(session).toMatchObject({
        Name: bench().sessionName,
        Behavior: 'release',
        LockDelay: 1_500_000_000,
      });
      expect(parseFloat(session?.TTL ?? '') * (session?.TTL.endsWith('ms') === true ? 1 : 1_000)).toBe(
        12_000,
      );
      await handle.release();
      await bench().outsider.kv.del(bench().fullKey());
    });

    it('ends with a lock that is seldom used', async () => {
      await bench().elapse(1_200);
      expect(await lock().hold(({ isHeld }) => isHeld)).toBe(true);
      expect(await bench().sessionIds()).toEqual([]);
    });

    it('is reused by locks that follow one another, and gone a second after the last', async () => {
      await lock().hold(() => {});
      const sessions = new Set<string>();
      for (let i = 0; i < 3; i++) sessions.add(await lock().hold(({ sessionId }) => sessionId));
      expect(sessions.size).toBe(1);
      await bench().elapse(1_200);
      expect(await bench().sessionIds()).toEqual([]);
    });
  });
}
