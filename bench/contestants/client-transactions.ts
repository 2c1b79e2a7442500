import { Agent } from 'node:http';
import Consul from 'consul';

interface Committed {
  readonly Results: readonly { readonly KV: { readonly ModifyIndex: number } }[] | null;
}

/** As long as ours. */
export const VALUE: string = Buffer.alloc(150, 'x').toString('base64');

/** Transactions on a session, by the `consul` client and nothing else: what whoever stands on that client has to pay. */
export class ClientTransactions {
  readonly session: string;
  readonly #consul: Consul;
  readonly #agent: Agent;

  private constructor(consul: Consul, agent: Agent, session: string) {
    this.#consul = consul;
    this.#agent = agent;
    this.session = session;
  }

  static async open(address: string): Promise<ClientTransactions> {
    const [host, port] = address.split(':');
    const agent = new Agent({ keepAlive: true });
    const consul = new Consul({ host: host!, port: Number(port), agent });
    const { ID } = await consul.session.create({ ttl: '3600s', behavior: 'delete', lockdelay: '0s' });
    return new ClientTransactions(consul, agent, ID);
  }

  /** Several operations as one write; tells the index of the last one's key, 0 when nothing is left of it. */
  async commit(operations: readonly object[]): Promise<number> {
    const create = this.#consul.transaction.create.bind(this.#consul.transaction) as unknown as (
      operations: object[],
    ) => Promise<Committed>;
    const { Results } = await create(operations.map((KV) => ({ KV })));
    return Results?.at(-1)?.KV.ModifyIndex ?? 0;
  }

  async close(): Promise<void> {
    await this.#consul.session.destroy(this.session);
    this.#agent.destroy();
  }
}
