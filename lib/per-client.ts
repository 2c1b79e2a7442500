import type { ConsulClient } from './consul-client.ts';

/** Something that each client has one of: made when it is first asked for, and gone with the client. */
export class PerClient<T> {
  readonly #make: () => T;
  readonly #made = new WeakMap<ConsulClient, T>();

  constructor(make: () => T) {
    this.#make = make;
  }

  of(client: ConsulClient): T {
    const made = this.#made.get(client);
    if (made !== undefined) return made;
    const fresh = this.#make();
    this.#made.set(client, fresh);
    return fresh;
  }
}
