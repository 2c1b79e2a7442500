import { describe, expect, it, jest } from '@jest/globals';
import { Stop } from '../../lib/stop.ts';

describe('a stop', () => {
  it('tells all who listen once, in their order, with its first reason', () => {
    const stop = new Stop();
    const told: string[] = [];
    for (const name of ['one', 'two', 'three']) {
      stop.signal.addEventListener('abort', () => told.push(`${name}: ${stop.reason.message}`));
    }
    stop.abort(new Error('first'));
    stop.abort(new Error('second'));
    expect(told).toEqual(['one: first', 'two: first', 'three: first']);
  });

  it('does not tell those who no longer listen', () => {
    const stop = new Stop();
    const listeners = [jest.fn(), jest.fn(), jest.fn()];
    for (const listener of listeners) stop.addEventListener('abort', listener);
    stop.removeEventListener('abort', listeners[0]!);
    stop.removeEventListener('abort', listeners[2]!);
    stop.abort(new Error('over'));
    expect(listeners.map((listener) => listener.mock.calls.length)).toEqual([0, 1, 0]);
  });

  it('tells the others when one of them throws, and passes that over to the process', () => {
    const later: (() => void)[] = [];
    jest.spyOn(globalThis, 'queueMicrotask').mockImplementation((callback) => later.push(callback));
    const stop = new Stop();
    const other = jest.fn();
    stop.addEventListener('abort', () => {
      throw new Error('of a listener');
    });
    stop.addEventListener('abort', other);
    stop.abort(new Error('over'));
    expect(other).toHaveBeenCalledTimes(1);
    expect(() => later[0]!()).toThrow('of a listener');
  });

  it('throws its reason from then on, and nothing before', () => {
    const stop = new Stop();
    const reason = new Error('over');
    expect(() => stop.throwIfAborted()).not.toThrow();
    expect(stop.aborted).toBe(false);
    stop.abort(reason);
    expect(() => stop.signal.throwIfAborted()).toThrow(reason);
    expect(stop.aborted).toBe(true);
  });
});
