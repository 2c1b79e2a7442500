import { describe, expect, it } from '@jest/globals';
import { EphemeralLock, type LockLostError } from '../../../lib/index.ts';
import { abortionOf, type Bench, rejectionOf, SHORT_TTL_MS } from './harness.ts';

/** What shows only as time passes: with TTLs that a server grants only when its `session_ttl_min` says so. */
export function describeTime(bench: () => Bench): void {
  const lock = (options = {}): EphemeralLock =>
    new EphemeralLock(bench().key(), {
      ...bench().options,
      minLockTimeoutMs: 100,
      lockTimeoutMs: SHORT_TTL_MS,
      ...options,
    });

  describe('the TTL', () => {
    it('ends isHeld and aborts the signal, however long Consul keeps the key', async () => {
      const handle = await lock().acquire();
      const { signal } = handle;
      await bench().elapse(SHORT_TTL_MS + 10);
      expect(handle.isHeld).toBe(false);
      expect(handle.remainingMs).toBe(0);
      expect((await abortionOf(signal)) as LockLostError).toMatchObject({ reason: 'expired' });
      expect(await bench().entry()).toMatchObject({ Session: handle.sessionId });
      expect(await handle.verify()).toBe(false);
      expect(await rejectionOf(handle.renew())).toMatchObject({ code: 'LOCK_LOST', reason: 'expired' });
      expect(await handle.release()).toBe(false);
      expect(await bench().entry()).toBeUndefined();
    });

    it('makes hold reject when fn fulfils too late', async () => {
      const holding = lock().hold(async () => await bench().elapse(SHORT_TTL_MS + 10));
      expect(await rejectionOf(holding)).toMatchObject({ code: 'LOCK_LOST', reason: 'expired' });
    });

    it('frees the lock of a holder that does nothing any more', async () => {
      const dead = await lock().acquire();
      const waiting = lock().acquire({ acquireTimeoutMs: 10 * SHORT_TTL_MS });
      await bench().elapse(2 * SHORT_TTL_MS + 50);
      const handle = await waiting;
      expect(dead.isHeld).toBe(false);
      expect(handle.fencingToken).toBeGreaterThan(dead.fencingToken);
      expect(handle.remainingMs).toBeGreaterThan(SHORT_TTL_MS / 2);
      await handle.release();
      await dead.release();
    });

    it('is not eaten up by waiting', async () => {
      const holder = await lock({ lockTimeoutMs: 10_000 }).acquire();
      const waiting = lock().acquire({ acquireTimeoutMs: 30_000 });
      for (let i = 0; i < 6; i++) await bench().elapse(SHORT_TTL_MS / 2);
      await holder.release();
      const handle = await waiting;
      expect(handle.remainingMs).toBeGreaterThan(SHORT_TTL_MS / 2);
      expect(await handle.release()).toBe(true);
    });
  });

  describe('renew: true', () => {
    it('keeps the lock beyond its TTL', async () => {
      const handle = await lock({ renew: true }).acquire();
      for (let i = 0; i < 8; i++) {
        await bench().elapse(SHORT_TTL_MS / 2);
        expect(handle.isHeld).toBe(true);
      }
      expect(await handle.verify()).toBe(true);
      expect(await handle.release()).toBe(true);
    });

    it('ends with maxHoldMs', async () => {
      const handle = await lock({ renew: { maxHoldMs: 3 * SHORT_TTL_MS } }).acquire();
      for (let i = 0; i < 5; i++) await bench().elapse(SHORT_TTL_MS / 2);
      expect(handle.isHeld).toBe(true);
      await bench().elapse(SHORT_TTL_MS / 2 + 10);
      expect(handle.isHeld).toBe(false);
      expect(handle.signal.reason).toMatchObject({ reason: 'expired' });
      expect(await handle.release()).toBe(false);
    });

    it('notices that the session is gone', async () => {
      const handle = await lock({ renew: true }).acquire();
      await bench().outsider.session.destroy(handle.sessionId);
      await bench().elapse(SHORT_TTL_MS / 2);
      expect(handle.isHeld).toBe(false);
      expect(() => handle.assertHeld()).toThrow(expect.objectContaining({ reason: 'session-invalidated' }));
      await handle.release();
    });
  });

  describe('the lock delay', () => {
    it('keeps others out after a loss, as contention does', async () => {
      const holder = await lock({ lockDelayMs: 600 }).acquire();
      await bench().outsider.session.destroy(holder.sessionId);
      expect(await lock().tryAcquire()).toBeNull();
      expect(await rejectionOf(lock().acquire())).toMatchObject({ code: 'LOCK_NOT_ACQUIRED' });
      await holder.release();
      const waiting = lock().acquire({ acquireTimeoutMs: 5_000 });
      for (let i = 0; i < 13; i++) await bench().elapse(100);
      await (await waiting).release();
    });
  });
}
