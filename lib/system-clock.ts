import type { Clock } from './clock.ts';
import { TimerWheel } from './timer-wheel.ts';

let wheel = new TimerWheel();
let timersOfWheel = setTimeout;

/**
 * The larger of monotonic and wall-clock time elapsed counts: the monotonic clock stops while a machine is suspended,
 * the wall clock jumps; a lease errs to "over" in both cases.
 */
export const systemClock: Clock = {
  read() {
    return { monotonicMs: performance.now(), wallMs: Date.now() };
  },
  elapsedSince(instant) {
    return Math.max(0, performance.now() - instant.monotonicMs, Date.now() - instant.wallMs);
  },
  schedule(delayMs, callback, { keepProcessAlive = true } = {}) {
    // Who replaces Node's timers, as tests do, shall find no timer of before to wait for, which may never fire.
    if (setTimeout !== timersOfWheel) [wheel, timersOfWheel] = [new TimerWheel(), setTimeout];
    return wheel.schedule(delayMs, callback, keepProcessAlive);
  },
};
