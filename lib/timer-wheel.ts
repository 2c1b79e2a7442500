import { LinkedList } from './linked-list.ts';

/** In milliseconds: what falls due within one of these is looked at together. */
const SLOT_MS = 256;

/** In milliseconds: what is due sooner gets a timer of Node at once. */
const SOON_MS = 2 * SLOT_MS;

/** Beyond this, a timer of Node fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

interface Alarm {
  readonly dueMs: number;
  readonly callback: () => void;
  readonly keepsProcessAlive: boolean;
  /** Its own, once it is due soon. */
  timer: NodeJS.Timeout | undefined;
}

/**
 * Timers of which hardly one ever fires: every request, every wait and every lease has a limit, and nearly all of them end
 * long before it. A timer of Node that is set and cleared costs several microseconds, and six of them were a fifth of what a lock
 * takes beside its two writes (measured on Node 20); an entry in a list costs next to nothing.
 *
 * They are kept by when they fall due, in slots, with one timer for the earliest slot. An alarm that is still there shortly before
 * its time is given a timer of its own, and so is no less punctual than that.
 *
 * Whenever there are alarms, a timer is set; and as long as one of them is to keep the process alive, that timer does.
 */
export class TimerWheel {
  /** By their numbers: each is looked at between one and two slots before its alarms are due. */
  readonly #slots = new Map<number, LinkedList<Alarm>>();
  #timer: NodeJS.Timeout | undefined;
  #timerSlot = Infinity;
  #keepingAlive = 0;

  /** Runs `callback` once after `delayMs`; the answer disposes of the alarm. */
  schedule(delayMs: number, callback: () => void, keepsProcessAlive: boolean): () => void {
    if (delayMs < SOON_MS) {
      const timer = timerFor(Math.max(delayMs, 0), callback, keepsProcessAlive);
      return () => clearTimeout(timer);
    }
    const alarm: Alarm = {
      dueMs: performance.now() + delayMs,
      callback,
      keepsProcessAlive,
      timer: undefined,
    };
    const number = Math.floor(alarm.dueMs / SLOT_MS) - 1;
    let slot = this.#slots.get(number);
    if (!slot) this.#slots.set(number, (slot = new LinkedList()));
    const link = slot.add(alarm);
    if (keepsProcessAlive) this.#countKeepingAlive(1);
    if (number < this.#timerSlot || !this.#timer) this.#setTimer(number);
    return () => {
      if (slot.remove(link)) this.#forget(alarm);
      else clearTimeout(alarm.timer);
    };
  }

  #setTimer(number: number): void {
    clearTimeout(this.#timer);
    const delayMs = Math.max(0, number * SLOT_MS - performance.now());
    const isFar = delayMs > LONGEST_TIMER_MS;
    // By its own word, and not by the clock: who replaces one of them in a test need not replace both.
    const reached = isFar ? -Infinity : number;
    this.#timerSlot = number;
    this.#timer = timerFor(
      isFar ? LONGEST_TIMER_MS : delayMs,
      () => this.#turn(reached),
      this.#keepingAlive > 0,
    );
  }

  /** Gives a timer of its own to every alarm of the slots that are reached, and sets the timer for the next. */
  #turn(reached: number): void {
    this.#timer = undefined;
    this.#timerSlot = Infinity;
    let next = Infinity;
    for (const [number, slot] of this.#slots) {
      const isReached = number <= reached;
      if (isReached) this.#giveTimers(slot, Math.max(number * SLOT_MS, performance.now()));
      if (slot.isEmpty) this.#slots.delete(number);
      else next = Math.min(next, number);
    }
    if (this.#slots.size > 0) this.#setTimer(next);
  }

  #giveTimers(slot: LinkedList<Alarm>, nowMs: number): void {
    for (let alarm = slot.shift(); alarm; alarm = slot.shift()) {
      const { dueMs, callback, keepsProcessAlive } = alarm;
      alarm.timer = timerFor(Math.max(0, dueMs - nowMs), callback, keepsProcessAlive);
      this.#forget(alarm);
    }
  }

  #forget({ keepsProcessAlive }: Alarm): void {
    if (keepsProcessAlive) this.#countKeepingAlive(-1);
  }

  #countKeepingAlive(change: 1 | -1): void {
    const before = this.#keepingAlive;
    this.#keepingAlive += change;
    if (before === 0) this.#timer?.ref();
    else if (this.#keepingAlive === 0) this.#timer?.unref();
  }
}

function timerFor(delayMs: number, callback: () => void, keepsProcessAlive: boolean): NodeJS.Timeout {
  const timer = setTimeout(callback, delayMs);
  if (!keepsProcessAlive) timer.unref();
  return timer;
}
