import type { LossReason } from './errors.ts';
import type { HolderHere } from './holders-here.ts';
import type { Lease } from './lease.ts';
import type { Lot } from './lot.ts';

/** A lock of this process as its other contenders see it. */
export class HeldHere implements HolderHere {
  readonly #lot: Lot;
  readonly #lease: Lease;
  readonly #check: () => Promise<'ours' | LossReason>;

  constructor(lot: Lot, lease: Lease, check: () => Promise<'ours' | LossReason>) {
    this.#lot = lot;
    this.#lease = lease;
    this.#check = check;
  }

  get fullKeys(): readonly string[] {
    return this.#lot.terms.fullKeys;
  }

  get sessionId(): string {
    return this.#lot.session.id;
  }

  get isHeld(): boolean {
    return this.#lease.isHeld;
  }

  tokenOf(fullKey: string): number {
    return this.#lot.entries.find((entry) => entry.fullKey === fullKey)?.token ?? 0;
  }

  async prove(): Promise<void> {
    const state = await this.#check();
    if (state !== 'ours') this.#lease.lose(state);
  }

  dispossess(): void {
    this.#lease.lose('taken');
  }
}
