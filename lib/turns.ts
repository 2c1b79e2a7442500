import type { ConsulClient } from './consul-client.ts';
import { setNewest } from './newest.ts';
import { PerClient } from './per-client.ts';
import { type Grant, Stays } from './stays.ts';

/** In milliseconds: what a write is taken to last before the first one was measured, and at most. */
const FIRST_WRITE_MS = 2;
const SLOWEST_WRITE_MS = 20;

/** Of each newer measurement, in a mean. */
const NEWER = 0.25;

/** Between two turns, so that the second one sees what the first one wrote. */
const SPACED_WRITES = 5;

/** In a crowd, who waits or looks away misses most of the others, and takes them for fewer than they are. */
const SPACED_WRITES_IN_CROWD = 8;

/** In a round, so much is forgotten of the rivals that were not seen, and less among few, of whom each counts more. */
const FORGOTTEN = 0.1;

/** Rivals of whom nothing was heard for so many rounds, and for so long, in milliseconds, have gone. */
const FORGOTTEN_AFTER_ROUNDS = 2;
const FORGOTTEN_AFTER_MS = 1_000;

/** In milliseconds: nobody lets others go first for longer, whatever is remembered; half of it is drawn by lot. */
const LONGEST_LETTING_MS = 2_000;

/** Among fewer rivals than this, hardly two are overdue at once. */
const MANY = 10;

/** From so many rivals on, more than one, somebody errs about the turn now and then; among fewer, a usual round tells it. */
const CROWD = 4;

/** So many races lost in a row are enough to keep any crowd apart. */
const MOST_LOST = 6;

/**
 * A process that sees no others lets them come forward now and then, for long enough to wake and to write: so often when somebody
 * has written something since the last time, and seldom when nobody has, for an attempt in vain is a write too.
 */
const COURTEOUS_EVERY_MS = 200;
const COURTEOUS_IN_SILENCE_EVERY_MS = 1_000;
const COURTEOUS_WRITES = 3;

/** To the next taking, if nobody else writes: the giving back, and that taking. */
const OWN_WRITES = 2;

/** Nobody looks away for longer, for the one whose turn it was may have died. */
const LONGEST_REST_MS = 100;

/** With how many locks' memories a client is burdened. */
const MOST_REMEMBERED = 1_000;

/**
 * How many other processes contend for a lock, as one process sees it, and whose turn it is among them: nobody tells, but
 * everybody sees the holders pass by.
 *
 * Who has seen all rivals hold it, or has waited for longer than a round usually takes, attempts at once when the lock is
 * free. Who lacks some waits a little for each of them, longer than a write lasts, and looks before it writes. So hardly
 * anybody writes in vain, and those who have just had the lock come last. Those who lose a race all the same are drawn
 * apart by chance, the more the more often.
 */
export class Turns {
  /** Other processes that had the lock in the last rounds, or in this one. */
  #rivals = 0;
  readonly #stays = new Stays();
  readonly #seen = new Set<number>();
  #passed = 0;
  #lastSeen: number | undefined;
  #lost = 0;
  /** The last race was lost, and it has not been seen to whom. */
  #hasLost = false;
  /** Who had it before has taken it anew, before anybody else could. */
  #isRetaken = false;
  #writeMs = FIRST_WRITE_MS;
  /** From one turn of this process to the next, in the mean. */
  #roundMs = 0;
  #wonAt = -Infinity;
  #gaveBackAt = -Infinity;
  #courteousAt = -Infinity;
  /** Nobody else has written anything since then, as far as our own tokens tell. */
  #isSilent = false;
  /** The next one, if nobody else writes. */
  #nextToken = 0;
  /** When something was last heard of others. */
  #heardAt = -Infinity;
  /** For how long others were let go first the last time, and in all since they were last heard of. */
  #letMs = 0;
  #letUnheardMs = 0;

  /** This other process has the lock, by this grant. */
  saw(process: number, grant: Grant): void {
    this.#heard();
    const isAnew = this.#stays.saw(process, grant);
    const [hasLost, isSame] = [this.#hasLost, process === this.#lastSeen];
    this.#hasLost = false;
    this.#isRetaken = isSame && (isAnew || this.#isRetaken);
    if (isSame) {
      // Who is first again and again is no proof of a crowd.
      if (isAnew && hasLost && !this.isCrowded) this.#lost--;
      return;
    }
    this.#lastSeen = process;
    this.#passed++;
    this.#seen.add(process);
    this.#rivals = Math.max(this.#rivals, this.#seen.size);
  }

  /** Nobody has it any more. */
  cameFree(): void {
    this.#heardAt = performance.now();
    this.#stays.ended();
  }

  /** It was free, and somebody was faster. */
  lostRace(): void {
    this.#heard();
    this.#lost = Math.min(MOST_LOST, this.#lost + 1);
    this.#hasLost = true;
  }

  /**
   * The lock was taken, by a write that took this long.
   *
   * @param token - its fencing token: of Consul's index, every write takes one, also one that is refused (measured on 1.8.7).
   */
  won(writeMs: number, token: number): void {
    if (token !== this.#nextToken) this.#isSilent = false;
    this.#nextToken = token + OWN_WRITES;
    this.#writeMs += NEWER * (Math.min(writeMs, SLOWEST_WRITE_MS) - this.#writeMs);
    const waitedMs = this.#waitedMs();
    if (this.#passed > 0 && waitedMs < Infinity) {
      this.#roundMs = this.#roundMs === 0 ? waitedMs : this.#roundMs + NEWER * (waitedMs - this.#roundMs);
    }
    // Fewer than before, but not all at once: that a turn came early, or some were overlooked, may be chance.
    const forgotten = FORGOTTEN * (this.#passed === 0 ? 1 : Math.min(1, this.#rivals / MANY));
    this.#letUnheardMs += this.#letMs;
    this.#letMs = 0;
    // Once may be chance, for the lock is free now and then also among many.
    const nobodyCame = this.#letUnheardMs >= this.#forgottenAfterMs();
    this.#rivals = nobodyCame ? 0 : Math.max(this.#seen.size, (1 - forgotten) * this.#rivals);
    this.#beginRound();
    const now = performance.now();
    // Until now it was there for the others.
    if (this.#hadItMsAgo(now) > COURTEOUS_EVERY_MS) this.#courteousAt = now;
    this.#wonAt = now;
  }

  /** It was handed over within this process, by one write. */
  handedOver(): void {
    this.#nextToken++;
  }

  /** It was ours, for however long, and has been given back. */
  gaveBack(): void {
    this.#gaveBackAt = performance.now();
  }

  /** Whether other processes contend at all, as far as can be told. */
  get seesOthers(): boolean {
    return this.#passed > 0 || this.#rivals >= 0.5;
  }

  /** Whether so many contend that a look is worth it also for the one whose turn it is. */
  get isCrowded(): boolean {
    return this.#rivals >= CROWD;
  }

  /** How long to let others go first, now that it is free. */
  delayMs(): number {
    if (this.#isOutdated()) this.#forget();
    this.#letMs = Math.min(this.#drawDelayMs(), LONGEST_LETTING_MS * (1 - 0.5 * Math.random()));
    return this.#letMs;
  }

  #drawDelayMs(): number {
    if (!this.seesOthers) return this.#courtesyMs();
    const byChance = Math.random() * (2 ** this.#lost - 1);
    if (this.isNext) return this.#writeMs * Math.min(1, byChance, this.#rivals / MANY);
    const byTurn = this.#lacking() * (1 - 0.3 * Math.random());
    const spacedWrites = this.isCrowded ? SPACED_WRITES_IN_CROWD : SPACED_WRITES;
    return spacedWrites * this.#writeMs * Math.max(byTurn, byChance);
  }

  /** Among few, one who lets others go first looks for them meanwhile: who is not seen is waited for in vain. */
  get longestUnseenMs(): number {
    return this.isCrowded ? Infinity : SPACED_WRITES * this.#writeMs;
  }

  /** For how long there is no use in watching: others keep it for a while, or will have their turn. */
  restMs(): number {
    const stayMs = this.#stays.restMs(this.isNext, this.#writeMs);
    if (this.#lacking() < 2 || this.isNext) return stayMs;
    const turnMs = this.#roundMs / (this.#rivals + 1);
    return Math.max(stayMs, Math.min(LONGEST_REST_MS, 0.5 * (this.#lacking() - 1) * turnMs));
  }

  #lacking(): number {
    return Math.round(this.#rivals) - this.#seen.size;
  }

  /** Whether it is our turn once the lock is free. */
  get isNext(): boolean {
    if (this.#lacking() <= 0 && this.#lost === 0) return true;
    if (this.#isRetaken && !this.isCrowded) return true;
    if (this.#passed > this.#rivals + this.#lost) return true;
    const rounds = this.isCrowded ? 1.25 : 1;
    return this.#roundMs > 0 && this.#waitedMs() > rounds * this.#roundMs && this.#passed > 0;
  }

  #waitedMs(): number {
    return performance.now() - this.#wonAt;
  }

  /** Those who contended once need not contend now. */
  #isOutdated(): boolean {
    const lastAt = Math.max(this.#heardAt, this.#wonAt, this.#gaveBackAt);
    return performance.now() - lastAt > this.#forgottenAfterMs();
  }

  #forgottenAfterMs(): number {
    return Math.max(FORGOTTEN_AFTER_MS, FORGOTTEN_AFTER_ROUNDS * this.#roundMs);
  }

  #heard(): void {
    this.#heardAt = performance.now();
    this.#letUnheardMs = 0;
  }

  #beginRound(): void {
    this.#seen.clear();
    this.#passed = 0;
    this.#lastSeen = undefined;
    this.#lost = 0;
    this.#hasLost = false;
    this.#isRetaken = false;
  }

  #forget(): void {
    this.#rivals = 0;
    this.#beginRound();
    this.#roundMs = 0;
  }

  /** Who had it just now, and has seen no others, may have been too fast for them. */
  #courtesyMs(): number {
    const now = performance.now();
    const everyMs = this.#isSilent ? COURTEOUS_IN_SILENCE_EVERY_MS : COURTEOUS_EVERY_MS;
    if (now - this.#courteousAt < everyMs || this.#hadItMsAgo(now) > COURTEOUS_EVERY_MS) return 0;
    this.#courteousAt = now;
    this.#isSilent = true;
    return COURTEOUS_WRITES * this.#writeMs;
  }

  #hadItMsAgo(now: number): number {
    return now - Math.max(this.#wonAt, this.#gaveBackAt);
  }
}

/** What one client remembers of its locks. */
class Memory {
  readonly #turns = new Map<string, Turns>();
  /** Mostly it is asked for again, and is in its place. */
  #newest: { readonly name: string; readonly turns: Turns } | undefined;

  find(name: string): Turns | undefined {
    return this.#turns.get(name);
  }

  of(name: string): Turns {
    if (this.#newest?.name === name) return this.#newest.turns;
    const turns = this.#turns.get(name) ?? new Turns();
    this.#newest = { name, turns };
    setNewest(this.#turns, name, turns, MOST_REMEMBERED);
    return turns;
  }
}

const memoryOf = new PerClient(() => new Memory());

/** What is remembered of this lock, if anything is. */
export function knownTurnsOf(client: ConsulClient, name: string): Turns | undefined {
  return memoryOf.of(client).find(name);
}

/** What is remembered of this lock; the oldest memories are given up. */
export function turnsOf(client: ConsulClient, name: string): Turns {
  return memoryOf.of(client).of(name);
}
