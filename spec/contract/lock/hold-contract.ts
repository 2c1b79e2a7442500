import { describe, expect, it } from '@jest/globals';
import { EphemeralLock, LockLostError } from '../../../lib/index.ts';
import { type Bench, rejectionOf } from './harness.ts';

export function describeHolding(bench: () => Bench): void {
  const lock = (): EphemeralLock => new EphemeralLock(bench().key(), bench().options);

  describe('hold', () => {
    it('runs fn while the lock is held, and resolves to what fn returns', async () => {
      const result = await lock().hold(async (handle) => {
        expect(await bench().entry()).toMatchObject({ Session: handle.sessionId });
        return 'result';
      });
      expect(result).toBe('result');
      expect(await bench().entry()).toBeUndefined();
    });

    it('takes a function that is not asynchronous, and any thenable', async () => {
      expect(await lock().hold(() => 1)).toBe(1);
      const then = (resolve: (value: number) => void): void => resolve(2);
      // oxlint-disable-next-line unicorn/no-thenable
      const thenable = { then };
      expect(await lock().hold(() => thenable as unknown as PromiseLike<number>)).toBe(2);
    });

    it('rejects with the error of fn as it is, and gives the lock back', async () => {
      const error = new Error('of fn');
      expect(await rejectionOf(lock().hold(() => Promise.reject(error)))).toBe(error);
      expect(
        await rejectionOf(
          lock().hold(() => {
            throw error;
          }),
        ),
      ).toBe(error);
      expect(await bench().entry()).toBeUndefined();
    });

    it('is content with a fn that releases by itself', async () => {
      expect(await lock().hold(async (handle) => await handle.release())).toBe(true);
    });

    it('rejects with LockLostError when fn fulfils after the key was deleted', async () => {
      const error = await rejectionOf(
        lock().hold(async () => {
          await bench().outsider.kv.del(bench().fullKey());
        }),
      );
      expect(error).toBeInstanceOf(LockLostError);
      expect(error).toMatchObject({ code: 'LOCK_LOST', reason: 'key-deleted', keys: [bench().key()] });
    });

    it('rejects with LockLostError when fn fulfils after the session was destroyed', async () => {
      const error = await rejectionOf(
        lock().hold(async ({ sessionId }) => {
          await bench().outsider.session.destroy(sessionId);
        }),
      );
      expect(error).toMatchObject({ code: 'LOCK_LOST', reason: 'session-invalidated' });
    });

    it('prefers the error of fn to the loss of the lock', async () => {
      const error = new Error('of fn');
      const holding = lock().hold(async ({ sessionId }) => {
        await bench().outsider.session.destroy(sessionId);
        throw error;
      });
      expect(await rejectionOf(holding)).toBe(error);
    });

    it('never skips fn: it rejects when the lock is held by another', async () => {
      const holder = await lock().acquire();
      expect(await rejectionOf(lock().hold(() => 'never'))).toMatchObject({ code: 'LOCK_NOT_ACQUIRED' });
      await holder.release();
    });

    it('says LOCK_DEADLOCK when it waited for itself', async () => {
      const error = await lock().hold(async () => {
        const rejection = rejectionOf(lock().hold(() => 'never', { acquireTimeoutMs: 100 }));
        await bench().elapse(120);
        return await rejection;
      });
      expect(error).toMatchObject({ name: 'LockAcquisitionError', code: 'LOCK_DEADLOCK' });
    });

    it('says LOCK_NOT_ACQUIRED in a call chain whose lock was released meanwhile', async () => {
      const other = await lock().hold(async (handle) => {
        await handle.release();
        const next = await lock().acquire();
        expect(await rejectionOf(lock().acquire())).toMatchObject({ code: 'LOCK_NOT_ACQUIRED' });
        return next;
      });
      await other.release();
    });
  });
}
