import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { systemClock } from '../../lib/system-clock.ts';
import { LockLostError, LockNotHeldError, type LossReason } from '../../lib/errors.ts';
import { Lease, named } from '../../lib/lease.ts';
import { TestClock } from '../support/test-clock.ts';

const REASONS: readonly LossReason[] = ['expired', 'session-invalidated', 'key-deleted', 'taken', 'shutdown'];

let clock: TestClock;

beforeEach(() => {
  clock = new TestClock();
});

function lease({ ttlMs = 10_000, maxHoldMs = Infinity, startedAt = clock.read() } = {}): Lease {
  return new Lease({ keys: ['a', 'b'], clock, startedAt, ttlMs, maxHoldMs });
}

describe('Lease', () => {
  describe('remainingMs', () => {
    it('counts the TTL from before the request was sent that started it', () => {
      const startedAt = clock.read();
      clock.move(3_000);
      const slow = lease({ startedAt });
      expect(slow.remainingMs).toBe(7_000);
      clock.move(6_999);
      expect([slow.remainingMs, slow.isHeld]).toEqual([1, true]);
      clock.move(1);
      expect([slow.remainingMs, slow.isHeld]).toEqual([0, false]);
    });

    it('is a whole number that never says more than there is', () => {
      const held = lease();
      clock.move(0.25);
      expect(held.remainingMs).toBe(9_999);
      clock.move(9_999.5);
      expect([held.remainingMs, held.isHeld]).toEqual([0, false]);
    });

    it('is never negative', () => {
      const held = lease();
      clock.move(1_000_000);
      expect(held.remainingMs).toBe(0);
    });

    it('is 0 at once after a release and after a loss', () => {
      const [released, lost] = [lease(), lease()];
      released.release();
      lost.lose('taken');
      expect([released.remainingMs, lost.remainingMs]).toEqual([0, 0]);
    });

    it('is 0 from the beginning when the answer came too late', () => {
      const startedAt = clock.read();
      clock.move(10_000);
      const late = lease({ startedAt });
      expect([late.remainingMs, late.lostBy?.reason]).toEqual([0, 'expired']);
    });
  });

  describe('isHeld', () => {
    it('reads the clock, also when no timer could fire', () => {
      const held = lease();
      clock.block(10_000);
      expect(held.isHeld).toBe(false);
      expect(held.lostBy?.reason).toBe('expired');
    });

    it('stays false when the clock goes back', () => {
      const held = lease();
      clock.block(10_000);
      expect(held.isHeld).toBe(false);
      clock.block(-9_000);
      expect([held.isHeld, held.remainingMs, held.extend(clock.read())]).toEqual([false, 0, false]);
    });

    it('is not revived by a wall clock that is set back', () => {
      let [monotonicMs, wallMs] = [0, 1_700_000_000_000];
      jest.spyOn(performance, 'now').mockImplementation(() => monotonicMs);
      jest.spyOn(Date, 'now').mockImplementation(() => wallMs);
      const held = new Lease({
        keys: ['a'],
        clock: systemClock,
        startedAt: systemClock.read(),
        ttlMs: 10_000,
        maxHoldMs: Infinity,
      });
      wallMs += 9_999;
      expect(held.isHeld).toBe(true);
      wallMs += 1;
      expect(held.isHeld).toBe(false);
      wallMs -= 10_000;
      monotonicMs += 1;
      expect(held.isHeld).toBe(false);
      held.release();
    });

    it('is kept by neither clock alone', () => {
      let [monotonicMs, wallMs] = [0, 1_700_000_000_000];
      jest.spyOn(performance, 'now').mockImplementation(() => monotonicMs);
      jest.spyOn(Date, 'now').mockImplementation(() => wallMs);
      const terms = { keys: ['a'], clock: systemClock, ttlMs: 10_000, maxHoldMs: Infinity };
      const [one, other] = [0, 0].map(() => new Lease({ ...terms, startedAt: systemClock.read() }));
      monotonicMs += 10_000;
      wallMs -= 60_000;
      expect(one!.isHeld).toBe(false);
      monotonicMs -= 10_000;
      wallMs += 70_000;
      expect(other!.isHeld).toBe(false);
    });
  });

  describe('extend', () => {
    it('counts the TTL from before its request', () => {
      const held = lease();
      clock.move(5_000);
      const startedAt = held.readClock();
      clock.move(2_000);
      expect(held.extend(startedAt)).toBe(true);
      expect(held.remainingMs).toBe(8_000);
    });

    it('moves the timer to the new deadline', () => {
      const held = lease();
      const { signal } = held;
      clock.move(9_000);
      held.extend(clock.read());
      clock.move(9_999);
      expect([signal.aborted, clock.timers]).toEqual([false, 1]);
      clock.move(1);
      expect([signal.aborted, clock.timers]).toEqual([true, 0]);
    });

    it.each([
      ['the deadline', (held: Lease) => (clock.block(10_000), held)],
      ['a loss', (held: Lease) => (held.lose('taken'), held)],
      ['a release', (held: Lease) => (held.release(), held)],
    ])('comes too late after %s', (_, end) => {
      const held = lease();
      end(held);
      expect(held.extend(clock.read())).toBe(false);
      expect([held.isHeld, held.remainingMs, clock.timers]).toEqual([false, 0, 0]);
    });
  });

  describe('maxHoldMs', () => {
    it('is a ceiling from acquiredAt, whatever is renewed', () => {
      const startedAt = clock.read();
      clock.move(1_000);
      const held = lease({ maxHoldMs: 12_000, startedAt });
      for (let round = 0; round < 5; round++) {
        clock.move(2_000);
        held.extend(clock.read());
      }
      expect(held.remainingMs).toBe(2_000);
      clock.move(2_000);
      expect([held.isHeld, held.lostBy?.reason]).toEqual([false, 'expired']);
    });

    it('may be less than the TTL', () => {
      const held = lease({ maxHoldMs: 50 });
      const { signal } = held;
      expect(held.remainingMs).toBe(50);
      clock.move(50);
      expect(signal.aborted).toBe(true);
    });
  });

  describe('lose', () => {
    it.each(REASONS)('ends it for good: %s', (reason) => {
      const held = lease();
      clock.move(40);
      held.lose(reason);
      expect([held.isHeld, held.isReleased, held.lostBy?.reason]).toEqual([false, false, reason]);
      expect(held.lostBy).toBeInstanceOf(LockLostError);
      expect(held.lostBy?.message).toMatch(/^the lock on 'a', 'b' was lost after 40 ms: ./);
      expect(held.lostBy?.keys).toEqual(['a', 'b']);
    });

    it('keeps its first reason', () => {
      const held = lease();
      held.lose('key-deleted');
      const first = held.lostBy;
      held.lose('taken');
      clock.move(20_000);
      expect(held.lostBy).toBe(first);
      expect(held.lostBy?.reason).toBe('key-deleted');
    });

    it('changes nothing after a release', () => {
      const held = lease();
      const { signal } = held;
      held.release();
      held.lose('taken');
      expect([held.lostBy, held.isReleased, signal.aborted]).toEqual([undefined, true, false]);
    });
  });

  describe('signal', () => {
    it.each(REASONS)('aborts once, with the loss as its reason: %s', (reason) => {
      const held = lease();
      const { signal } = held;
      const onAbort = jest.fn();
      signal.addEventListener('abort', onAbort);
      held.lose(reason);
      held.lose('taken');
      clock.move(20_000);
      expect(onAbort).toHaveBeenCalledTimes(1);
      expect(signal.reason).toBe(held.lostBy);
      expect(signal.reason).toMatchObject({ name: 'LockLostError', code: 'LOCK_LOST', reason });
    });

    it('aborts by itself when the time is over', () => {
      const held = lease();
      const { signal } = held;
      clock.move(9_999);
      expect(signal.aborted).toBe(false);
      clock.move(1);
      expect(signal.reason).toMatchObject({ reason: 'expired' });
    });

    it('has aborted when it is first read after the loss', () => {
      const held = lease();
      held.lose('taken');
      expect(held.signal.reason).toBe(held.lostBy);
    });

    it('has aborted when it is first read past a deadline that nobody noticed', () => {
      const held = lease();
      clock.block(10_000);
      expect(held.signal.aborted).toBe(true);
    });

    it('is one and the same', () => {
      const held = lease();
      const { signal } = held;
      held.lose('taken');
      expect(held.signal).toBe(signal);
    });

    it('never aborts because of a release', () => {
      const held = lease();
      const { signal } = held;
      held.release();
      clock.move(20_000);
      expect([signal.aborted, held.signal.aborted]).toEqual([false, false]);
    });
  });

  describe('abortSignal', () => {
    it('aborts the signal, and the lock stays held', () => {
      const held = lease();
      const { signal } = held;
      held.abortSignal('shutdown');
      expect(signal.reason).toMatchObject({ code: 'LOCK_LOST', reason: 'shutdown' });
      expect([held.isHeld, held.remainingMs, held.lostBy]).toEqual([true, 10_000, undefined]);
    });

    it('is heard by who reads the signal only later', () => {
      const held = lease();
      held.abortSignal('shutdown');
      expect(held.signal.reason).toMatchObject({ reason: 'shutdown' });
    });

    it('changes nothing after the end', () => {
      const [released, lost] = [lease(), lease()];
      const [one, other] = [released.signal, lost.signal];
      released.release();
      lost.lose('taken');
      released.abortSignal('shutdown');
      lost.abortSignal('shutdown');
      expect([one.aborted, (other.reason as LockLostError).reason]).toEqual([false, 'taken']);
    });

    it('keeps the signal at one reason when the lock is lost afterwards', () => {
      const held = lease();
      const { signal } = held;
      held.abortSignal('shutdown');
      held.lose('expired');
      expect([(signal.reason as LockLostError).reason, held.lostBy?.reason]).toEqual(['shutdown', 'expired']);
    });
  });

  describe('assertHeld', () => {
    it('is silent while it is held', () => {
      expect(() => lease().assertHeld('renew')).not.toThrow();
    });

    it('throws the loss', () => {
      const held = lease();
      clock.block(10_000);
      expect(() => held.assertHeld('renew')).toThrow(LockLostError);
      expect(() => held.assertHeld('renew')).toThrow(held.lostBy!);
    });

    it('throws LockNotHeldError after a release, and says what was asked for', () => {
      const held = lease();
      held.release();
      expect(() => held.assertHeld('renew')).toThrow(LockNotHeldError);
      expect(() => held.assertHeld('renew')).toThrow("renew: the lock on 'a', 'b' was released before");
    });
  });

  describe('release', () => {
    it('does not take back a loss', () => {
      const held = lease();
      held.lose('taken');
      held.release();
      expect([held.isReleased, held.lostBy?.reason]).toEqual([false, 'taken']);
    });

    it('past an unnoticed deadline leaves the loss to be told', () => {
      const held = lease();
      clock.block(10_000);
      expect(held.remainingMs).toBe(0);
      held.release();
      expect([held.isReleased, held.lostBy?.reason]).toEqual([false, 'expired']);
    });
  });

  describe('onEnd', () => {
    it.each([
      ['a loss', (held: Lease) => held.lose('taken')],
      ['a release', (held: Lease) => held.release()],
      ['the deadline', () => clock.move(10_000)],
      ['a look past the deadline', (held: Lease) => void (clock.block(10_000), held.isHeld)],
    ])('is told once of %s', (_, end) => {
      const held = lease();
      const callback = jest.fn();
      held.onEnd(callback);
      end(held);
      end(held);
      expect(callback).toHaveBeenCalledTimes(1);
    });

    it('is told at once of an end that was before', () => {
      const held = lease();
      held.release();
      const callback = jest.fn();
      held.onEnd(callback);
      expect(callback).toHaveBeenCalledTimes(1);
    });

    it('can be taken back', () => {
      const held = lease();
      const callback = jest.fn();
      held.onEnd(callback)();
      held.release();
      expect(callback).not.toHaveBeenCalled();
    });
  });

  describe('its timer', () => {
    it.each([
      ['a loss', (held: Lease) => held.lose('taken')],
      ['a release', (held: Lease) => held.release()],
      ['its deadline', () => clock.move(10_000)],
      ['a look past the deadline', (held: Lease) => void (clock.block(10_000), held.isHeld)],
    ])('is gone after %s', (_, end) => {
      const held = lease();
      expect(clock.timers).toBe(1);
      end(held);
      expect(clock.timers).toBe(0);
    });

    it('never keeps the process alive', () => {
      lease();
      expect(clock.lastOptions).toEqual({ keepProcessAlive: false });
    });

    it('is armed again when it fires too soon', () => {
      const held = lease();
      clock.move(9_999.5);
      expect([held.remainingMs, held.isHeld]).toEqual([0, false]);
      expect(clock.timers).toBe(0);
    });
  });

  it('tells for how long it was held', () => {
    const startedAt = clock.read();
    clock.move(500);
    const held = lease({ startedAt });
    clock.move(40);
    expect(held.heldMs).toBe(40);
  });
});

describe('named', () => {
  it('names the keys as they stand in a message', () => {
    expect(named(['a', 'b/c'])).toBe("'a', 'b/c'");
  });
});
