import type { ContestantName } from '../contestants/open-contestant.ts';
import type { BenchServer } from '../servers/bench-server.ts';

const NEED_OTHER_SERVERS = ['redlock', 'etcd3'] as const;

/**
 * Of the time of a contest. Until the code of a lock is compiled, which takes some thousand locks, each takes a multiple of the CPU;
 * raw requests have next to no code.
 */
const WARM_UP = 0.8;
const WARM_UP_OF_LIMIT = 0.3;

/** Writes to disk are uneven: a limit that is measured for a moment only says little. */
const BRIEF = 0.3;

/** Where contests take place, and for how long. */
export class Arena {
  readonly seconds: number;
  /** Rounds of the first moments, while code is compiled and connections are opened, are not counted. */
  readonly warmUpMs: number;
  readonly #consul: BenchServer;
  readonly #peers: Readonly<Partial<Record<ContestantName, BenchServer>>>;
  #keys = 0;

  constructor(
    seconds: number,
    consul: BenchServer,
    peers: Readonly<Partial<Record<ContestantName, BenchServer>>>,
    warmUpMs: number = seconds * 1_000 * WARM_UP,
  ) {
    this.seconds = seconds;
    this.warmUpMs = warmUpMs;
    this.#consul = consul;
    this.#peers = peers;
  }

  serverOf(contestant: ContestantName): BenchServer {
    return this.#peers[contestant] ?? this.#consul;
  }

  /** Whether there is a server for it. */
  has(contestant: ContestantName): boolean {
    return (
      !(NEED_OTHER_SERVERS as readonly ContestantName[]).includes(contestant) || contestant in this.#peers
    );
  }

  /** A key that nobody has used before. */
  newKey(): string {
    this.#keys += 1;
    return `bench/${this.#keys}`;
  }

  /** The same for a shorter time, for what is measured before and after a contest. */
  get brief(): Arena {
    const warmUpMs = this.seconds * 1_000 * WARM_UP_OF_LIMIT;
    const brief = new Arena(Math.max(1, this.seconds * BRIEF), this.#consul, this.#peers, warmUpMs);
    brief.newKey = () => this.newKey();
    return brief;
  }
}
