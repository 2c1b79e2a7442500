import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import Consul from 'consul';
import { pino } from 'pino';
import { type ConsulClient, EphemeralLock, forceRelease, inspectLock, listLocks } from '../../lib/index.ts';
import { clientOptions } from '../../lib/consul-env.ts';
import { sessionPool } from '../../lib/session-pool.ts';

const TOKEN = 'b1946ac9-2492-4d23-87c6-2f5e1d0ac8e4';
const PASSWORD = 'correct-horse-battery';
const SECRETS = [TOKEN, PASSWORD, Buffer.from(`user:${PASSWORD}`).toString('base64')];
const SESSION = '11111111-2222-3333-4444-555555555555';

/** Repeats in its answer all that it was sent, as a badly set up proxy does. */
class EchoingServer {
  readonly #server: Server = createServer((request, response) => {
    this.seen += JSON.stringify(request.headers);
    const granted = this.behaves && granting(request);
    if (granted !== undefined && granted !== false) {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify(granted(Buffer.concat(chunks).toString())));
      });
      return;
    }
    const said = `You sent ${JSON.stringify(request.headers)} to ${request.url}`;
    const isConflict = this.status === 409;
    response.writeHead(this.status, { 'content-type': isConflict ? 'application/json' : 'text/plain' });
    response.end(isConflict ? JSON.stringify({ Results: null, Errors: [{ OpIndex: 5, What: said }] }) : said);
  });
  status = 403;
  behaves = false;
  seen = '';

  async start(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** What Consul would say to a taking. */
function granting({ url = '' }: IncomingMessage): ((body: string) => unknown) | undefined {
  if (url.startsWith('/v1/session/create')) return () => ({ ID: SESSION });
  if (url.startsWith('/v1/session/destroy')) return () => true;
  if (!url.startsWith('/v1/txn')) return undefined;
  return (body) => {
    const operations = JSON.parse(body) as { KV: { Verb: string; Key: string; Flags: number } }[];
    const locks = operations.filter(({ KV }) => KV.Verb === 'lock');
    const row = { Session: SESSION, LockIndex: 1, CreateIndex: 7, ModifyIndex: 7, Value: null };
    return {
      Results: locks.map(({ KV }) => ({ KV: { ...row, Key: KV.Key, Flags: KV.Flags } })),
      Errors: null,
    };
  };
}

describe('a secret', () => {
  const server = new EchoingServer();
  let port: number;
  let folder: string;

  beforeAll(async () => {
    port = await server.start();
    folder = mkdtempSync(join(tmpdir(), 'consul-lock-secrets-'));
    writeFileSync(join(folder, 'token'), `${TOKEN}\n`);
  });
  afterAll(() => {
    server.stop();
    rmSync(folder, { recursive: true });
  });

  /** Every place where one can be given. */
  const GIVEN: Record<string, () => { consulClient: ConsulClient; token?: string }> = {
    'as an option': () => ({ consulClient: new Consul({ host: '127.0.0.1', port }), token: TOKEN }),
    'as a default of the client': () => ({
      consulClient: new Consul({ host: '127.0.0.1', port, defaults: { token: TOKEN } }),
    }),
    'as a header of the client': () => ({
      consulClient: new Consul({ host: '127.0.0.1', port, headers: { 'x-consul-token': TOKEN } } as object),
    }),
    'in CONSUL_HTTP_TOKEN': () => ({ consulClient: fromEnv({ CONSUL_HTTP_TOKEN: TOKEN }) }),
    'in CONSUL_HTTP_TOKEN_FILE': () => ({
      consulClient: fromEnv({ CONSUL_HTTP_TOKEN_FILE: join(folder, 'token') }),
    }),
    'in CONSUL_HTTP_AUTH': () => ({ consulClient: fromEnv({ CONSUL_HTTP_AUTH: `user:${PASSWORD}` }) }),
    'in CONSUL_HTTP_ADDR': () => ({
      consulClient: fromEnv({ CONSUL_HTTP_ADDR: `http://user:${PASSWORD}@127.0.0.1:${port}` }),
    }),
  };

  function fromEnv(env: Record<string, string>): Consul {
    return new Consul(clientOptions({ CONSUL_HTTP_ADDR: `127.0.0.1:${port}`, ...env }));
  }

  /** In every way that somebody may print it. */
  function shownOf(value: unknown): string {
    const error = (value ?? {}) as Error;
    return [
      inspect(value, { depth: Infinity, showHidden: true, getters: true }),
      JSON.stringify(value),
      `${String(value)} ${error.stack ?? ''} ${error.message}`,
      inspect(error.cause, { depth: Infinity, showHidden: true }),
    ].join('\n');
  }

  describe.each(Object.keys(GIVEN))('given %s', (place) => {
    it.each([200, 400, 401, 403, 404, 409, 418, 429, 500, 503])(
      'stands in no error and no log line when a server repeats it with %d',
      async (status) => {
        const lines: string[] = [];
        const logger = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
        const options = { ...GIVEN[place]?.(), logger, retryTimeoutMs: 0, lockKeyPattern: 'k/%s' };
        const lock = new EphemeralLock('key', options);
        Object.assign(server, { status, behaves: false, seen: '' });
        const outcomes: unknown[] = [await outcomeOf(async () => await lock.acquire())];
        server.behaves = true;
        const handle = await lock.acquire();
        server.behaves = false;
        const write = { KV: { Verb: 'set', Key: 'x', Value: '' } };
        for (const call of [
          async () => await handle.verify(),
          async () => await handle.renew(),
          async () => await handle.transaction([write]),
          async () => await handle[Symbol.asyncDispose](),
          async () => await handle.release(),
          async () => await lock.hold(() => 1),
          async () => await inspectLock('key', options),
          async () => await listLocks('', options),
          async () => await forceRelease('key', options),
        ]) {
          outcomes.push(await outcomeOf(call));
        }
        await sessionPool.drain();
        expect(outcomes.filter((outcome) => outcome instanceof Error).length).toBeGreaterThanOrEqual(6);
        expect(SECRETS.some((secret) => server.seen.includes(secret))).toBe(true);
        const shown = [...outcomes, lock, handle].map(shownOf).join('\n') + lines.join('') + process.title;
        for (const secret of SECRETS) expect(shown).not.toContain(secret);
      },
    );
  });

  it('is not shown by an error about the option that holds it', () => {
    const wrong: unknown[] = [`${TOKEN} `, [TOKEN], { token: TOKEN }];
    for (const token of wrong) {
      const error = ((): unknown => {
        try {
          return new EphemeralLock('key', { token: token as string });
        } catch (thrown) {
          return thrown;
        }
      })();
      expect(error).toBeInstanceOf(TypeError);
      expect(shownOf(error)).not.toContain(TOKEN);
    }
  });
});

async function outcomeOf(call: () => Promise<unknown>): Promise<unknown> {
  try {
    return await call();
  } catch (error) {
    return error;
  }
}
