import { randomInt, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { consulUnderTest } from '../support/consul.ts';
import { consulRequest } from '../support/consul-server/consul-request.ts';
import { until } from '../support/consul-server/until.ts';
import { Example } from '../support/example.ts';
import { readProjectFile, samplesOf } from '../support/readme-samples.ts';

jest.setTimeout(30_000);

const ask = async (path: string, method: 'GET' | 'PUT' = 'GET', body = ''): Promise<string> =>
  (await consulRequest(consulUnderTest().address, path, { method, body })).text;

const written = new Set<string>();

async function read(key: string): Promise<string | undefined> {
  written.add(key);
  const text = await ask(`/v1/kv/${key}?raw&consistent`);
  return text === '' ? undefined : text;
}

async function write(key: string, value: string): Promise<void> {
  written.add(key);
  await ask(`/v1/kv/${key}`, 'PUT', value);
}

/** Ends the session that holds the lock, as an operator would. */
async function endHolder(key: string): Promise<void> {
  const [entry] = JSON.parse((await ask(`/v1/kv/locks/ephemeral/${key}?consistent`)) || '[]') as [
    { Session?: string }?,
  ];
  if (entry?.Session !== undefined) await ask(`/v1/session/destroy/${entry.Session}`, 'PUT');
}

afterEach(async () => {
  for (const key of written) await ask(`/v1/kv/${key}`, 'DELETE' as 'PUT');
  written.clear();
});

describe('an email that is sent once', () => {
  it('is sent once, whichever of two servers is asked, and however often', async () => {
    const user = randomInt(1e6, 1e9);
    await using one = await Example.start('examples/email-once.ts');
    await using other = await Example.start('examples/email-once.ts');
    const [first, second] = await Promise.all([one.line(/^http/), other.line(/^http/)]);
    const post = async (url: string): Promise<number> =>
      (await fetch(`${url}/users/${user}/welcome-email`, { method: 'POST' })).status;

    const statuses = await Promise.all([first, second, first, second, first, second].map(post));
    expect(statuses.filter((status) => status === 201)).toHaveLength(1);
    expect(statuses.filter((status) => status === 200)).toHaveLength(5);
    expect(await post(second)).toBe(200);
    const sent = [...one.lines, ...other.lines].filter((line) => line.startsWith('sent'));
    expect(sent).toEqual([`sent to ${user}`]);
    expect(Date.parse((await read(`users/${user}/welcome-email-sent`)) ?? '')).not.toBeNaN();
  });

  it('is asked for by POST, and for users only', async () => {
    await using example = await Example.start('examples/email-once.ts');
    const url = await example.line(/^http/);
    expect((await fetch(`${url}/users/42/welcome-email`)).status).toBe(404);
    expect((await fetch(`${url}/users/anybody/welcome-email`, { method: 'POST' })).status).toBe(404);
  });

  it('is answered with "try again" when Consul is away', async () => {
    await using example = await Example.start('examples/email-once.ts', [], {
      CONSUL_HTTP_ADDR: '127.0.0.1:1',
    });
    const url = await example.line(/^http/);
    const { status, headers } = await fetch(`${url}/users/42/welcome-email`, { method: 'POST' });
    expect([status, headers.get('retry-after')]).toEqual([503, '5']);
    expect(example.printed).not.toContain('sent');
  });
});

describe('a nightly job', () => {
  let night: string;

  beforeEach(() => {
    night = randomUUID();
  });

  const start = async (): Promise<Example> => await Example.start('examples/nightly-job.ts', [night]);

  it('that three hosts start at once is done by one, and a host whose clock is late finds it done', async () => {
    const hosts = await Promise.all([start(), start(), start()]);
    const ends = await Promise.all(hosts.map(async (host) => await host.ended()));
    expect(ends.map(({ code }) => code)).toEqual([0, 0, 0]);
    const printed = ends.map((end) => end.printed.trim());
    expect(printed.filter((line) => line === `reports of ${night} made`)).toHaveLength(1);
    const others = ['another host is at it', `reports of ${night} were there before`];
    expect(printed.filter((line) => others.includes(line))).toHaveLength(2);
    expect(await read(`reports/made/${night}`)).toBe('made');
    expect((await (await start()).ended()).printed).toBe(`reports of ${night} were there before\n`);
  });

  it('ends with an error when Consul is away, and does nothing', async () => {
    await using host = await Example.start('examples/nightly-job.ts', [night], {
      CONSUL_HTTP_ADDR: '127.0.0.1:1',
    });
    const { printed, code } = await host.ended();
    expect([printed, code]).toEqual([expect.stringContaining('CONSUL_UNAVAILABLE'), 1]);
    expect(printed).not.toContain('made');
  });
});

describe('a queue consumer', () => {
  let server: Server;
  let url: string;
  /** The requests for a message that nobody has answered yet. */
  let asking: Set<ServerResponse>;
  let billed: { invoice: string; token: number }[];
  let done: number;

  beforeEach(async () => {
    asking = new Set();
    billed = [];
    done = 0;
    server = createServer((request, response) => void serve(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await endHolder('queues/invoices/consumer');
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'GET') {
      asking.add(response);
      response.once('close', () => asking.delete(response));
      return;
    }
    if (request.method === 'DELETE') done += 1;
    else {
      let invoice = '';
      for await (const chunk of request) invoice += String(chunk);
      billed.push({ invoice, token: Number(request.headers['fencing-token']) });
    }
    response.end();
  }

  async function oneAsks(): Promise<ServerResponse> {
    await until(() => asking.size > 0, { timeoutMs: 15_000, describe: () => 'nobody asks for a message' });
    const [response] = asking;
    return response!;
  }

  async function deliver(invoice: string): Promise<void> {
    const before = done;
    (await oneAsks()).end(invoice);
    await until(() => done > before, { timeoutMs: 15_000, describe: () => `${invoice} is not done` });
  }

  it('works while it has the lock, stops in the middle of a request when it is lost, and another goes on', async () => {
    await using one = await Example.start('examples/queue-consumer.ts', [url, url]);
    await using other = await Example.start('examples/queue-consumer.ts', [url, url]);
    await deliver('first');
    await deliver('second');
    const response = await oneAsks();
    const closed = once(response, 'close');
    await pause(100);
    expect(asking.size).toBe(1);
    await endHolder('queues/invoices/consumer');
    await closed;
    expect(response.writableEnded).toBe(false);
    await deliver('third');
    expect(billed.map(({ invoice }) => invoice)).toEqual(['first', 'second', 'third']);
    const [first, second, third] = billed.map(({ token }) => token) as [number, number, number];
    expect(second).toBe(first);
    expect(third).toBeGreaterThan(second);
    const stopped = [...one.lines, ...other.lines];
    expect(stopped).toEqual(['stopped: session-invalidated']);
  });
});

describe('a leader for a while', () => {
  it('steps down before its term ends, and each of two has its terms, never both', async () => {
    const args = ['1500'];
    await using one = await Example.start('examples/leader.ts', args);
    await using other = await Example.start('examples/leader.ts', args);
    const has = (example: Example): number => example.lines.filter((line) => line.includes('down')).length;
    await until(() => has(one) >= 2 && has(other) >= 2, {
      timeoutMs: 25_000,
      describe: () => `${one.printed}\n${other.printed}`,
    });
    const told = [...one.lines, ...other.lines].map(
      (line) => JSON.parse(line) as { what: string; token: number; at: number },
    );
    const tokens = [...new Set(told.map(({ token }) => token))].toSorted((a, b) => a - b);
    let freeFrom = 0;
    for (const token of tokens) {
      const [begin, end] = told.filter((line) => line.token === token);
      expect(begin).toMatchObject({ what: 'leads' });
      expect(begin!.at).toBeGreaterThanOrEqual(freeFrom);
      if (end === undefined) break;
      expect(end).toMatchObject({ what: 'steps down' });
      expect(end.at - begin!.at).toBeLessThan(1_500);
      freeFrom = end.at;
    }
    await Promise.all([one, other].map(async (example) => await example[Symbol.asyncDispose]()));
    await endHolder('shop/leader');
  });
});

describe('a transfer', () => {
  it('loses no money, in both directions at once', async () => {
    const [a, b] = [`a-${randomUUID()}`, `b-${randomUUID()}`];
    await write(`accounts/${a}/balance`, '100');
    await write(`accounts/${b}/balance`, '100');
    const programs = [
      await Example.start('examples/transfer.ts', [a, b, '1', '20']),
      await Example.start('examples/transfer.ts', [b, a, '3', '20']),
      await Example.start('examples/transfer.ts', [a, b, '1', '20']),
    ];
    const ends = await Promise.all(programs.map(async (program) => await program.ended(25_000)));
    expect(ends).toEqual(programs.map(() => ({ printed: 'transferred\n', code: 0 })));
    expect(await read(`accounts/${a}/balance`)).toBe('120');
    expect(await read(`accounts/${b}/balance`)).toBe('80');
  });

  it('changes nothing when there is not enough', async () => {
    const [a, b] = [`a-${randomUUID()}`, `b-${randomUUID()}`];
    await write(`accounts/${a}/balance`, '5');
    await write(`accounts/${b}/balance`, '0');
    await using program = await Example.start('examples/transfer.ts', [a, b, '6']);
    const { printed, code } = await program.ended();
    expect([printed, code]).toEqual([expect.stringContaining(`there is not enough on ${a}`), 1]);
    expect([await read(`accounts/${a}/balance`), await read(`accounts/${b}/balance`)]).toEqual(['5', '0']);
  });
});

describe('a server that is told to end', () => {
  it('finishes the step that it is at, answers everybody, and leaves nothing behind', async () => {
    await using example = await Example.start('examples/sigterm.ts');
    const url = await example.line(/^http/);
    const ask503 = async (): Promise<[number, string | null]> => {
      const { status, headers } = await fetch(url);
      return [status, headers.get('retry-after')];
    };
    const atWork = ask503();
    await example.line(/^step 1 begins/);
    const waiting = ask503();
    await example.line(/^step 2 begins/);
    const toldAt = Date.now();
    example.signal('SIGTERM');
    expect(await Promise.all([atWork, waiting])).toEqual([
      [503, '1'],
      [503, '1'],
    ]);
    const { code } = await example.ended();
    expect(Date.now() - toldAt).toBeLessThan(3_000);
    expect(code).toBe(0);
    const steps = example.lines.filter((line) => line.startsWith('step'));
    expect(steps.at(-1)).toBe(steps.at(-2)?.replace('begins', 'ends'));
    expect(await ask('/v1/kv/locks/ephemeral/accounts/settlement?consistent')).toBe('');
  });
});

describe('a database with a fence', () => {
  it('admits a holder until a later one has been there, and no write of it after that', async () => {
    await using example = await Example.start('examples/fence.ts');
    const { printed, code } = await example.ended();
    const refused = 'thursday: a later holder of reports has been here';
    expect([printed, code]).toEqual([`${refused}\nmonday tuesday wednesday\n`, 0]);
  });

  it('is made of the statements that docs/safety.md shows', () => {
    const bare = (sql: string): string =>
      sql
        .replaceAll(/--.*$/gm, '')
        .replaceAll(/[\s;]+/g, ' ')
        .trim();
    const program = bare(readProjectFile('examples/fence.ts'));
    const [sql] = samplesOf(readProjectFile('docs/safety.md')).filter(({ language }) => language === 'sql');
    const [table, admit] = sql!.code.split(';').map(bare);
    expect(program).toContain(table);
    expect(program).toContain(admit);
  });
});

describe('a lock that behaves as one of Go', () => {
  it('has the session that Go makes, and leaves its key unlocked', async () => {
    const key = 'service/shop/leader';
    await using holder = await Example.start('examples/like-go.ts');
    const session = await holder.line(/^[0-9a-f-]{36}$/);
    written.add(key);
    expect(JSON.parse(await ask(`/v1/session/info/${session}?consistent`))).toMatchObject([
      { TTL: '15000ms', Behavior: 'release', LockDelay: 15e9, NodeChecks: ['serfHealth'] },
    ]);
    expect((await holder.ended()).code).toBe(0);
    const [entry] = JSON.parse(await ask(`/v1/kv/${key}?consistent`)) as [Record<string, unknown>];
    expect(entry).toMatchObject({ LockIndex: 1 });
    expect(entry).not.toHaveProperty('Session');
  });
});
