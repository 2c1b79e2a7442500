import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Consul from 'consul';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { letGoOfRequests } from '../../lib/call-context.ts';
import { ConsulGate } from '../../lib/consul-gate.ts';
import { Stop } from '../../lib/stop.ts';
import { failureOf } from '../support/failure-of.ts';

const SESSION = 'a-session';

type Request = Record<string, unknown>;

describe('a request of a client that lets go of them', () => {
  let server: Server;
  let answer: RequestListener;
  let client: Consul;
  let gate: ConsulGate;
  let requests: Request[];

  beforeEach(async () => {
    server = createServer((request, response) => answer(request, response));
    server.listen({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    client = new Consul({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
    requests = [];
    const extensible = client as unknown as { _ext(event: string, act: (...all: never[]) => void): void };
    extensible._ext('onCreate', (request: Request, next: () => void) => {
      requests.push(request);
      next();
    });
    letGoOfRequests(client);
    gate = new ConsulGate({
      client,
      token: undefined,
      dc: undefined,
      requestTimeoutMs: 5_000,
      keys: ['a'],
    });
  });

  afterEach(() => {
    client.destroy();
    server.closeAllConnections();
    server.close();
  });

  const answering =
    (status: number, body: unknown): RequestListener =>
    (_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };

  /** Its function, a state of no use and Node's module apart. */
  const objectsOf = (request: Request): string[] =>
    Object.keys(request).filter((name) => !['retry', 'state', 'transport'].includes(name) && request[name]);

  it('refers to nothing once it has been answered', async () => {
    answer = answering(200, [{ ID: SESSION }]);
    expect(await gate.renewSession(SESSION)).toBe(true);
    expect(objectsOf(requests[0]!)).toEqual([]);
  });

  it('refers to nothing once a transaction was refused', async () => {
    answer = answering(409, { Results: null, Errors: [{ OpIndex: 0, What: 'no' }] });
    const outcome = await gate.transact([{ KV: { Verb: 'check-not-exists', Key: 'a' } }]);
    expect(outcome).toMatchObject({ committed: false });
    expect(objectsOf(requests[0]!)).toEqual([]);
  });

  it('has its own failure told', async () => {
    answer = answering(500, 'no leader');
    const error = await failureOf(async () => await gate.renewSession(SESSION));
    expect(error).toMatchObject({ code: 'CONSUL_UNAVAILABLE', statusCode: 500 });
  });

  it('is still ended by a cancellation', async () => {
    const stop = new Stop();
    const closed = new Promise<void>((resolve) => {
      answer = (request) => {
        request.once('close', resolve);
        stop.abort(new Error('no longer'));
      };
    });
    const error = await failureOf(async () => await gate.renewSession(SESSION, { signal: stop.signal }));
    expect(error).toMatchObject({ message: 'no longer' });
    await closed;
  });

  it('is left alone where somebody else sends it', async () => {
    answer = answering(200, [{ ID: SESSION }]);
    await client.session.renew(SESSION);
    expect(requests[0]).toMatchObject({ res: expect.anything(), opts: expect.anything() });
  });
});

describe('letGoOfRequests', () => {
  it('does nothing for a client that knows no extensions', () => {
    expect(() => letGoOfRequests({})).not.toThrow();
  });
});
