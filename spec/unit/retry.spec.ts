import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ConsulRequestError } from '../../lib/errors.ts';
import { jittered, retryTransient, type RetryOptions } from '../../lib/retry.ts';
import { TestClock } from '../support/test-clock.ts';

const failure = (transient: boolean, statusCode = 500): ConsulRequestError =>
  new ConsulRequestError('failed', {
    code: transient ? 'CONSUL_UNAVAILABLE' : 'CONSUL_REJECTED',
    operation: 'kv.get',
    statusCode,
    transient,
  });

/** A clock on which every timer is due at once, and takes its time. */
class EagerClock extends TestClock {
  readonly delays: number[] = [];

  override schedule(
    delayMs: number,
    callback: () => void,
    options?: { keepProcessAlive?: boolean },
  ): () => void {
    this.delays.push(delayMs);
    const dispose = super.schedule(delayMs, callback, options);
    queueMicrotask(() => this.move(delayMs));
    return dispose;
  }
}

let clock: EagerClock;

beforeEach(() => {
  clock = new EagerClock();
  jest.spyOn(Math, 'random').mockReturnValue(1);
});

function retrying(budgetMs: number, more: Partial<RetryOptions> = {}): RetryOptions {
  return { clock, remainingMs: () => budgetMs - clock.nowMs, ...more };
}

/** Fails so often, and then tells how often it was called. */
function failing(times: number, error: () => unknown = () => failure(true)): () => Promise<number> {
  let calls = 0;
  return async () => {
    if (++calls <= times) throw error();
    return calls;
  };
}

describe('retryTransient', () => {
  it('resolves to what the first attempt gives', async () => {
    await expect(retryTransient(failing(0), retrying(0))).resolves.toBe(1);
    expect(clock.delays).toEqual([]);
  });

  it('repeats what failed for a passing reason', async () => {
    await expect(retryTransient(failing(3), retrying(10_000))).resolves.toBe(4);
  });

  it('waits longer each time, up to a second', async () => {
    await retryTransient(failing(8), retrying(100_000));
    expect(clock.delays).toEqual([50, 100, 200, 400, 800, 1_000, 1_000, 1_000]);
  });

  it('makes a last attempt when the time is over, and rejects with the last failure', async () => {
    const last = failure(true, 503);
    let calls = 0;
    const attempt = async (): Promise<never> => {
      throw ++calls === 4 ? last : failure(true);
    };
    await expect(retryTransient(attempt, retrying(200))).rejects.toBe(last);
    expect(clock.delays).toEqual([50, 100, 50]);
    expect(calls).toBe(4);
  });

  it('makes one attempt without a budget', async () => {
    const attempt = jest.fn(failing(5));
    await expect(retryTransient(attempt, retrying(0))).rejects.toMatchObject({ code: 'CONSUL_UNAVAILABLE' });
    expect(attempt).toHaveBeenCalledTimes(1);
  });

  it.each([
    ['a refused request', failure(false)],
    ['an error that is not ours', new Error('a bug')],
    ['a TypeError', new TypeError('a bug')],
    ['a RangeError', new RangeError('wrong')],
    ['a network TypeError', new TypeError('fetch failed')],
  ])('never repeats %s', async (_, error) => {
    const attempt = jest.fn(failing(5, () => error));
    await expect(retryTransient(attempt, retrying(10_000))).rejects.toBe(error);
    expect(attempt).toHaveBeenCalledTimes(1);
  });

  it('tells of each failure before it waits', async () => {
    const onFailure = jest.fn();
    await retryTransient(failing(2), retrying(10_000, { onFailure }));
    expect(onFailure.mock.calls).toEqual([
      [expect.any(ConsulRequestError), 1],
      [expect.any(ConsulRequestError), 2],
    ]);
  });

  it("rejects with the signal's reason when it aborts while waiting", async () => {
    const controller = new AbortController();
    const reason = { not: 'an error' };
    const waiting = new TestClock();
    const attempt = jest.fn(failing(5));
    const retried = retryTransient(attempt, {
      clock: waiting,
      remainingMs: () => 10_000,
      signal: controller.signal,
      onFailure: () => queueMicrotask(() => queueMicrotask(() => controller.abort(reason))),
    });
    await expect(retried).rejects.toBe(reason);
    expect(attempt).toHaveBeenCalledTimes(1);
    expect(waiting.timers).toBe(0);
  });

  it("rejects with the signal's reason when it aborts during an attempt that fails", async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const attempt = async (): Promise<never> => {
      controller.abort(reason);
      throw failure(true);
    };
    await expect(retryTransient(attempt, retrying(10_000, { signal: controller.signal }))).rejects.toBe(
      reason,
    );
  });

  it('keeps what an attempt has achieved although its signal aborted meanwhile', async () => {
    const controller = new AbortController();
    const attempt = async (): Promise<string> => {
      controller.abort(new Error('too late'));
      return 'acquired';
    };
    const retried = retryTransient(attempt, retrying(10_000, { signal: controller.signal }));
    await expect(retried).resolves.toBe('acquired');
  });

  it.each([true, false])('says whether its waiting keeps the process alive: %s', async (keepProcessAlive) => {
    await retryTransient(failing(1), retrying(10_000, { keepProcessAlive }));
    expect(clock.lastOptions).toEqual({ keepProcessAlive });
  });
});

describe('jittered', () => {
  it.each([
    [1, 50],
    [2, 100],
    [5, 800],
    [6, 1_000],
    [10_000, 1_000],
  ])('is at most this after attempt %d: %d ms', (attempt, bound) => {
    expect(jittered(attempt)).toBe(bound);
    jest.spyOn(Math, 'random').mockReturnValue(0);
    expect(jittered(attempt)).toBe(0);
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
    expect(jittered(attempt)).toBe(bound / 2);
  });

  it('takes other bounds', () => {
    expect([1, 2, 9].map((round) => jittered(round, { firstMs: 20, longestMs: 100 }))).toEqual([20, 40, 100]);
  });
});
