import type { ConsulClient } from '../../lib/consul-client.ts';

/** A client for specs in which nothing may be sent: it remembers what was, and answers nothing of it. */
export class SilentClient implements ConsulClient {
  readonly sent: string[] = [];
  readonly session: ConsulClient['session'] & { list(): Promise<unknown> } = {
    create: this.#call('session.create'),
    renew: this.#call('session.renew'),
    destroy: this.#call('session.destroy'),
    info: this.#call('session.info'),
    list: this.#call('session.list'),
  };
  readonly kv: ConsulClient['kv'] = { get: this.#call('kv.get') };
  readonly transaction: ConsulClient['transaction'] = { create: this.#call('transaction') };

  #call(operation: string): () => Promise<never> {
    return async () => {
      this.sent.push(operation);
      throw Object.assign(new Error(`${operation} was sent`), { isValidation: true });
    };
  }
}
