import { Agent, request, type IncomingMessage } from 'node:http';

export interface RawAnswer {
  readonly status: number;
  readonly text: string;
  readonly index: string;
}

/** One keep-alive connection and nothing above it: the limit that everything else is measured against. */
export class RawConsul {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #host: string;
  readonly #port: number;

  constructor(address: string) {
    const [host, port] = address.split(':');
    [this.#host, this.#port] = [host!, Number(port)];
  }

  async send(method: 'GET' | 'PUT', path: string, body = ''): Promise<RawAnswer> {
    const headers = method === 'PUT' ? { 'content-length': Buffer.byteLength(body) } : {};
    return await new Promise((resolve, reject) => {
      const sent = request(
        { host: this.#host, port: this.#port, agent: this.#agent, method, path, headers },
        (response) => readAnswer(response, resolve, reject),
      );
      sent.on('error', reject);
      sent.end(body);
    });
  }

  /** Several operations as one write; tells whether Consul carried them out. */
  async transaction(operations: readonly object[]): Promise<{ isDone: boolean; index: number }> {
    const body = JSON.stringify(operations.map((KV) => ({ KV })));
    const { status, text } = await this.send('PUT', '/v1/txn', body);
    if (status === 409) return { isDone: false, index: 0 };
    const { Results } = JSON.parse(expect200(status, text)) as {
      readonly Results: readonly { readonly KV: { readonly ModifyIndex: number } }[] | null;
    };
    return { isDone: true, index: Results?.at(-1)?.KV.ModifyIndex ?? 0 };
  }

  async createSession(): Promise<string> {
    const terms = { TTL: '3600s', Behavior: 'delete', LockDelay: '0s', NodeChecks: [] };
    const { status, text } = await this.send('PUT', '/v1/session/create', JSON.stringify(terms));
    return (JSON.parse(expect200(status, text)) as { ID: string }).ID;
  }

  async destroySession(id: string): Promise<void> {
    await this.send('PUT', `/v1/session/destroy/${id}`);
  }

  close(): void {
    this.#agent.destroy();
  }
}

function readAnswer(
  response: IncomingMessage,
  resolve: (answer: RawAnswer) => void,
  reject: (error: Error) => void,
): void {
  const parts: Buffer[] = [];
  response.on('data', (part: Buffer) => parts.push(part));
  response.on('error', reject);
  response.on('end', () =>
    resolve({
      status: response.statusCode ?? 0,
      text: Buffer.concat(parts).toString(),
      index: String(response.headers['x-consul-index'] ?? ''),
    }),
  );
}

function expect200(status: number, text: string): string {
  if (status !== 200) throw new Error(`Consul answers ${status} ${text.trim()}`);
  return text;
}
