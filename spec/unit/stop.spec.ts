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
