import type { LockHandle } from '../../../lib/index.ts';
import type { Fact, FactOf } from '../history/facts.ts';
import { machineTimeMs } from '../history/machine-time.ts';

const EVERY_MS = 4;
/** Between two of the samples that are written down while nothing changes. */
const WRITTEN_EVERY_MS = 25;
/** Beyond any TTL: a handle that is not held must not be held later either. */
const WATCHED_AFTER_MS = 3_000;

type Sample = FactOf<'sample'>;

interface Sampled {
  readonly id: string;
  readonly handle: LockHandle;
  last?: Sample;
  written?: Sample;
  endedAt?: number;
}

/** Asks every handle of the process, all the time, whether it is held; writes down what the checker needs of that. */
export class Sampler {
  readonly #process: string;
  readonly #write: (fact: Fact) => void;
  readonly #handles = new Set<Sampled>();

  constructor(process: string, write: (fact: Fact) => void) {
    this.#process = process;
    this.#write = write;
    setInterval(() => this.#round(), EVERY_MS).unref();
  }

  add(id: string, handle: LockHandle): void {
    const sampled: Sampled = { id, handle };
    this.#handles.add(sampled);
    this.#look(sampled);
  }

  #round(): void {
    for (const sampled of this.#handles) this.#look(sampled);
  }

  #look(sampled: Sampled): void {
    const { id, handle, last, written } = sampled;
    const before = machineTimeMs();
    const held = handle.isHeld;
    const { remainingMs, fencingToken: token } = handle;
    const at = machineTimeMs();
    const sample: Sample = {
      at,
      process: this.#process,
      kind: 'sample',
      id,
      before,
      held,
      remainingMs,
      token,
    };
    sampled.last = sample;
    if (held !== last?.held) {
      if (last && last !== written) this.#write(last);
      this.#write((sampled.written = sample));
    } else if (held && at - (written?.at ?? 0) > WRITTEN_EVERY_MS) {
      this.#write((sampled.written = sample));
    }
    if (held) delete sampled.endedAt;
    else if (at - (sampled.endedAt ??= at) > WATCHED_AFTER_MS) this.#handles.delete(sampled);
  }
}
