import { once } from 'node:events';
import { Agent, createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { until } from '../support/consul-server/until.ts';
import { FaultProxy } from '../support/proxy.ts';

const ANSWER = 'x'.repeat(1_000);

let server: Server;
let proxy: FaultProxy;
let keepAlive: Agent;
let delivered: string[];

beforeEach(async () => {
  delivered = [];
  server = createServer((incoming, response) => {
    delivered.push(incoming.url!);
    incoming.resume().on('end', () => response.end(ANSWER));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy = await FaultProxy.start(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  keepAlive = new Agent({ keepAlive: true, maxSockets: 1 });
});

afterEach(async () => {
  keepAlive.destroy();
  await proxy.stop();
  server.closeAllConnections();
  server.close();
});

interface SendOptions {
  readonly method?: string;
  readonly body?: string;
  readonly timeoutMs?: number;
}

/** Resolves to what came and how the answer ended. */
async function send(path: string, { method = 'GET', body, timeoutMs = 5_000 }: SendOptions = {}) {
  return await new Promise<{ text: string; end: string }>((resolve) => {
    const end = (how: string): void => resolve({ text, end: how });
    let text = '';
    const { host, port } = proxy;
    const signal = AbortSignal.timeout(timeoutMs);
    const outgoing = request({ host, port, path, method, agent: keepAlive, signal }, (response) => {
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.name));
      response.on('end', () => end('complete'));
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) =>
      end(signal.aborted ? 'timeout' : (error.code ?? error.name)),
    );
    outgoing.end(body);
  });
}

describe('FaultProxy', () => {
  it('passes requests and answers on, and counts them', async () => {
    await expect(send('/a?x=1')).resolves.toEqual({ text: ANSWER, end: 'complete' });
    await expect(send('/b', { method: 'PUT', body: 'value' })).resolves.toEqual({
      text: ANSWER,
      end: 'complete',
    });
    expect(proxy.connections).toBe(1);
    expect(proxy.requests).toEqual([
      { method: 'GET', path: '/a?x=1' },
      { method: 'PUT', path: '/b' },
    ]);
  });

  it('delays answers by latencyMs', async () => {
    proxy.latencyMs = 80;
    const start = performance.now();
    await expect(send('/late')).resolves.toEqual({ text: ANSWER, end: 'complete' });
    expect(performance.now() - start).toBeGreaterThanOrEqual(79);
  });

  it('swallows requests as a blackhole, and serves new connections after it is healed', async () => {
    proxy.blackhole = true;
    await expect(send('/lost', { timeoutMs: 100 })).resolves.toEqual({ text: '', end: 'timeout' });
    proxy.heal();
    await expect(send('/found')).resolves.toMatchObject({ end: 'complete' });
    expect(delivered).toEqual(['/found']);
  });

  it('turns an open connection into a blackhole, too', async () => {
    await send('/before');
    proxy.blackhole = true;
    await expect(send('/lost', { timeoutMs: 100 })).resolves.toMatchObject({ end: 'timeout' });
    expect(proxy.connections).toBe(1);
  });

  it('resets new connections while it refuses', async () => {
    proxy.refuse = true;
    await expect(send('/refused')).resolves.toEqual({ text: '', end: 'ECONNRESET' });
    expect(proxy.connections).toBe(1);
    expect(delivered).toEqual([]);
  });

  it('ends the connection in the middle of an answer with cutAfter, each answer counted for itself', async () => {
    await send('/whole');
    proxy.cutAfter = 500;
    const { text, end } = await send('/cut');
    expect(end).toBe('ECONNRESET');
    expect(text.length).toBeGreaterThan(0);
    expect(text.length).toBeLessThan(500);
    expect(proxy.connections).toBe(1);
  });

  it('delivers requests and loses their answers with loseAnswers', async () => {
    proxy.loseAnswers = true;
    await expect(send('/unknown', { method: 'PUT', timeoutMs: 100 })).resolves.toEqual({
      text: '',
      end: 'timeout',
    });
    expect(delivered).toEqual(['/unknown']);
  });

  it('cuts all open connections at reset', async () => {
    proxy.loseAnswers = true;
    const pending = send('/pending');
    await until(() => delivered.length === 1, { timeoutMs: 2_000 });
    proxy.reset();
    await expect(pending).resolves.toEqual({ text: '', end: 'ECONNRESET' });
    proxy.heal();
    await expect(send('/again')).resolves.toMatchObject({ end: 'complete' });
  });

  it('cuts the connection when its server cannot be reached', async () => {
    server.close();
    server.closeAllConnections();
    await expect(send('/nobody')).resolves.toEqual({ text: '', end: 'ECONNRESET' });
  });
});
