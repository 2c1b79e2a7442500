import { EventEmitter } from 'node:events';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ConsulGate, type CallLimits } from '../../lib/consul-gate.ts';
import { isAmbiguous } from '../../lib/consul-failure.ts';
import { ConsulRequestError } from '../../lib/errors.ts';
import { EphemeralLock } from '../../lib/index.ts';
import type { ConsulClient } from '../../lib/consul-client.ts';
import { failureOf } from '../support/failure-of.ts';

const ID = '11111111-2222-3333-4444-555555555555';
const NEW_SESSION = { ttlMs: 10_000, lockDelayMs: 0, name: 'mine', checks: [], behavior: 'delete' };
const ROW = {
  Key: 'a',
  Value: null,
  Flags: 1,
  Session: ID,
  LockIndex: 1,
  CreateIndex: 7,
  ModifyIndex: 7,
};
const SESSION = { ID, Name: 'mine', Node: 'node', TTL: '10s' };

type Sent = Record<string, unknown> & { ctx: EventEmitter };
type Answering = (options: Sent) => unknown;

/** Every call of it does the same. */
function clientThat(answers: Answering): ConsulClient {
  const call = (...args: unknown[]): Promise<unknown> => answers(args.at(-1) as Sent) as Promise<unknown>;
  const client = {
    session: { create: call, renew: call, destroy: call, info: call, list: call },
    kv: { get: call },
    transaction: { create: call },
  };
  return client;
}

function gateOf(answers: Answering, { requestTimeoutMs = 5_000, token = 'secret-token' } = {}): ConsulGate {
  return new ConsulGate({ client: clientThat(answers), token, dc: 'here', requestTimeoutMs, keys: ['a'] });
}

function rejecting(reason: unknown): Answering {
  return async () => {
    throw reason as Error;
  };
}

/** As the client answers with `ctx.includeResponse`. */
function answered(status: number, body?: unknown, ...value: unknown[]): unknown {
  return [{ statusCode: status, body, headers: {} }, ...value];
}

const CALLS: readonly (readonly [
  string,
  string,
  (gate: ConsulGate, limits?: CallLimits) => Promise<unknown>,
])[] = [
  ['createSession', 'session.create', async (gate, limits) => await gate.createSession(NEW_SESSION, limits)],
  ['renewSession', 'session.renew', async (gate, limits) => await gate.renewSession(ID, limits)],
  ['destroySession', 'session.destroy', async (gate, limits) => await gate.destroySession(ID, limits)],
  ['readSession', 'session.info', async (gate, limits) => await gate.readSession(ID, 'consistent', limits)],
  [
    'readKey',
    'kv.get',
    async (gate, limits) => await gate.readKey('a', { consistency: 'default', ...limits }),
  ],
  ['readTree', 'kv.get', async (gate, limits) => await gate.readTree('a', limits)],
  ['readSessions', 'session.list', async (gate, limits) => await gate.readSessions(limits)],
  [
    'transact',
    'transaction',
    async (gate, limits) => await gate.transact([{ KV: { Verb: 'get', Key: 'a' } }], limits),
  ],
];

/** Bodies that no call of ours may take for an answer, with what the client picks out of them. */
const HOSTILE: readonly (readonly [what: string, body: unknown])[] = [
  ['a page', '<html>Welcome</html>'],
  ['a page in bytes', Buffer.from('<html>Welcome</html>')],
  ['a number', 7],
  ['a list of numbers', [7]],
  ['a list of nulls', [null]],
  ['a list of lists', [[]]],
  ['an empty object', {}],
  ['an object of others', { error: 'no' }],
  ['the list of a string', ['<html>']],
  ['NaN', Number.NaN],
];

const MALFORMED: Readonly<Record<string, readonly unknown[]>> = {
  createSession: [undefined, null, '', true, { ID: '' }, { ID: 7 }, { id: ID }, [{ ID }], { ID: null }],
  renewSession: [undefined, null, '', true, [], [{ ID: 'another' }], [{ ID: 7 }], { ID }],
  destroySession: [false, { ok: true }],
  readSession: [true, { ID: 7 }, [{ ID: 7 }], { id: ID }],
  readKey: [
    true,
    { ...ROW, Key: 'b' },
    { ...ROW, Key: 7 },
    { ...ROW, ModifyIndex: '7' },
    { ...ROW, ModifyIndex: 0 },
    { ...ROW, ModifyIndex: 2 ** 53 },
    { ...ROW, ModifyIndex: 1.5 },
    { ...ROW, LockIndex: undefined },
    { ...ROW, ModifyIndex: undefined },
  ],
  readTree: [true, ROW, [{ ...ROW, ModifyIndex: -1 }], [ROW, null], [{ ...ROW, LockIndex: 'x' }]],
  readSessions: [undefined, null, true, SESSION, [SESSION, null], [{ Name: 'x' }]],
  transact: [
    undefined,
    null,
    true,
    [],
    { Results: 7 },
    { Results: [{}] },
    { Results: [{ KV: null }] },
    { Results: [{ KV: { ...ROW, ModifyIndex: 0 } }] },
    { Results: [{ KV: { ...ROW, Key: undefined } }] },
    { Results: {} },
    { Errors: [] },
  ],
};

describe.each(CALLS)('%s', (name, operation, call) => {
  it.each(HOSTILE)('takes no answer of %s for one of Consul', async (_, body) => {
    const result = name === 'destroySession' ? answered(200, body) : answered(200, body, body);
    const error = await failureOf(async () => await call(gateOf(async () => result)));
    expect(error).toBeInstanceOf(ConsulRequestError);
    expect(error).toMatchObject({ code: 'CONSUL_UNAVAILABLE', operation, transient: true, keys: ['a'] });
    expect(isAmbiguous(error)).toBe(true);
  });

  it.each(MALFORMED[name]!.map((body) => [body]))('takes no %j for an answer', async (body) => {
    const error = await failureOf(async () => await call(gateOf(async () => answered(200, body, body))));
    expect(error).toMatchObject({ code: 'CONSUL_UNAVAILABLE', operation, transient: true });
  });

  it.each<[string, Answering]>([
    ['rejects with undefined', rejecting(undefined)],
    ['rejects with null', rejecting(null)],
    ['rejects with a string', rejecting('no')],
    ['rejects with an object', rejecting({ a: 1 })],
    ['rejects with a symbol', rejecting(Symbol('no'))],
    ['rejects with a frozen error', rejecting(Object.freeze(new Error('no')))],
    [
      'rejects with what cannot be read',
      rejecting({
        get response() {
          throw new Error('not to be read');
        },
      }),
    ],
    [
      'throws at once',
      () => {
        throw new Error('at once');
      },
    ],
    [
      'throws a TypeError at once',
      () => {
        throw new TypeError('client.socket is not a function');
      },
    ],
    [
      'throws null at once',
      () => {
        // oxlint-disable-next-line typescript/only-throw-error -- what is no error is the subject
        throw null;
      },
    ],
  ])('turns a client that %s into a ConsulRequestError', async (_, answers) => {
    const error = await failureOf(async () => await call(gateOf(answers)));
    expect(error).toBeInstanceOf(ConsulRequestError);
    expect(error).toMatchObject({ operation, code: 'CONSUL_UNAVAILABLE', transient: true });
    expect(isAmbiguous(error)).toBe(true);
  });

  it.each([
    ['401', 401, 'CONSUL_DENIED', false],
    ['403', 403, 'CONSUL_DENIED', false],
    ['400', 400, 'CONSUL_REJECTED', false],
    ['413', 413, 'CONSUL_REJECTED', false],
    ['429', 429, 'CONSUL_UNAVAILABLE', true],
    ['500', 500, 'CONSUL_UNAVAILABLE', true],
    ['503', 503, 'CONSUL_UNAVAILABLE', true],
  ] as const)('turns %s into its error', async (_, statusCode, code, transient) => {
    const failure = Object.assign(new Error('said'), { isResponse: true, response: { statusCode } });
    const error = await failureOf(async () => await call(gateOf(rejecting(failure))));
    expect(error).toMatchObject({ code, statusCode, transient, operation });
  });

  it('settles in its time when the client never answers and ignores ctx', async () => {
    const never = new Promise<never>(() => {});
    const error = await failureOf(async () => await call(gateOf(() => never, { requestTimeoutMs: 5 })));
    expect(error).toMatchObject({ code: 'CONSUL_UNAVAILABLE', operation, transient: true });
    expect(error.message).toContain('no answer within 5 ms');
    expect(isAmbiguous(error)).toBe(true);
  });

  it('settles in the time of this one call', async () => {
    const never = new Promise<never>(() => {});
    const error = await failureOf(
      async () =>
        await call(
          gateOf(() => never),
          { timeoutMs: 4 },
        ),
    );
    expect(error.message).toContain('no answer within 4 ms');
  });

  it('cancels the request when its time is over', async () => {
    let cancelled = false;
    const answers: Answering = ({ ctx }) => {
      ctx.on('cancel', () => (cancelled = true));
      return new Promise<never>(() => {});
    };
    await failureOf(async () => await call(gateOf(answers, { requestTimeoutMs: 5 })));
    expect(cancelled).toBe(true);
  });

  it("rejects with the signal's reason as it is, and cancels the request", async () => {
    const controller = new AbortController();
    const reason = { not: 'an error' };
    let cancelled = false;
    const answers: Answering = ({ ctx }) => {
      ctx.on('cancel', () => (cancelled = true));
      queueMicrotask(() => controller.abort(reason));
      return new Promise<never>(() => {});
    };
    await expect(call(gateOf(answers), { signal: controller.signal })).rejects.toBe(reason);
    expect(cancelled).toBe(true);
  });

  it('sends nothing for a signal that has aborted', async () => {
    const answers = jest.fn<Answering>();
    const reason = new Error('before');
    await expect(call(gateOf(answers), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(answers).not.toHaveBeenCalled();
  });

  it('passes token and datacenter on, and a ctx of its own without a limit of the client', async () => {
    const sent: Sent[] = [];
    const answers: Answering = (options) => {
      sent.push(options);
      return rejecting(new Error('no'))(options);
    };
    const gate = gateOf(answers);
    await failureOf(async () => await call(gate));
    await failureOf(async () => await call(gate));
    expect(sent).toHaveLength(2);
    for (const options of sent) {
      expect(options).toMatchObject({ token: 'secret-token', dc: 'here', timeout: 0 });
      expect(options.ctx).toBeInstanceOf(EventEmitter);
    }
    expect(sent[0]!.ctx).not.toBe(sent[1]!.ctx);
  });
});

/** The answers of a client that does not know `ctx.includeResponse`, too. */
const FORMS: readonly (readonly [string, (status: number, body: unknown, value: unknown) => unknown])[] = [
  ['the consul package', (status, body, value) => answered(status, body, value)],
  ['one of the same shape', (_status, _body, value) => value],
];

describe.each(FORMS)('the answers of %s', (_, form) => {
  const gate = (status: number, body: unknown, value: unknown = body): ConsulGate =>
    gateOf(async () => form(status, body, value));

  it('give the id of a new session', async () => {
    await expect(gate(200, { ID }).createSession(NEW_SESSION)).resolves.toBe(ID);
  });

  it('say that a session was renewed', async () => {
    await expect(gate(200, [SESSION]).renewSession(ID)).resolves.toBe(true);
  });

  it('tell of a session', async () => {
    await expect(gate(200, [SESSION], SESSION).readSession(ID)).resolves.toEqual({
      id: ID,
      name: 'mine',
      node: 'node',
      ttlMs: 10_000,
      isLikeOurs: false,
    });
  });

  it.each([
    ['10s', 10_000],
    ['1m30s', 90_000],
    ['500ms', 500],
    ['1.5s', 1_500],
    ['24h0m0s', 86_400_000],
    ['1500000µs', 1_500],
    ['', 0],
    [undefined, 0],
  ])('tell a TTL of %j in milliseconds', async (TTL, ttlMs) => {
    const session = { ID, TTL };
    await expect(gate(200, [session], session).readSession(ID)).resolves.toMatchObject({ ttlMs });
  });

  it('tell of a key', async () => {
    const row = { ...ROW, Value: Buffer.from('v') };
    await expect(gate(200, [row], row).readKey('a', { consistency: 'stale' })).resolves.toEqual({
      key: 'a',
      value: Buffer.from('v'),
      flags: 1,
      session: ID,
      lockIndex: 1,
      createIndex: 7,
      modifyIndex: 7,
    });
  });

  it('tell of a key that nobody holds, and of an empty value', async () => {
    const row = { ...ROW, Session: undefined };
    const key = await gate(200, [row], row).readKey('a', { consistency: 'stale' });
    expect(key).toMatchObject({ session: undefined, value: null });
  });

  it('tell of a tree', async () => {
    const tree = await gate(200, [ROW, { ...ROW, Key: 'ab' }]).readTree('a');
    expect(tree.map(({ key }) => key)).toEqual(['a', 'ab']);
  });

  it('tell of all sessions', async () => {
    const sessions = await gate(200, [SESSION]).readSessions();
    expect([...sessions.keys()]).toEqual([ID]);
  });

  it('tell what was committed', async () => {
    const results = [{ KV: ROW }];
    const operations = [{ KV: { Verb: 'get', Key: 'a' } }];
    await expect(gate(200, { Results: results }).transact(operations)).resolves.toEqual({
      committed: true,
      results,
    });
    await expect(gate(200, { Results: null }).transact(operations)).resolves.toEqual({
      committed: true,
      results: [],
    });
  });
});

describe('renewSession', () => {
  const renewing = async (statusCode: number, body: string): Promise<boolean> => {
    const failure = Object.assign(new Error('not found'), {
      isResponse: true,
      response: { statusCode, body },
    });
    return await gateOf(rejecting(failure)).renewSession(ID);
  };

  it('says that there is no such session', async () => {
    await expect(renewing(404, `Session id '${ID}' not found`)).resolves.toBe(false);
  });

  it.each([
    ['a page with 404', 404, '<html>Not Found</html>'],
    ['an empty 404', 404, ''],
    ['the words with another status', 500, `Session id '${ID}' not found`],
  ])('does not take %s for that', async (_, status, body) => {
    await expect(renewing(status, body)).rejects.toMatchObject({ code: 'CONSUL_UNAVAILABLE' });
  });
});

describe('destroySession', () => {
  it.each([[answered(200, true)], [answered(200, true, undefined)], [undefined], [true]])(
    'takes %j for done',
    async (result) => {
      await expect(gateOf(async () => result).destroySession(ID)).resolves.toBeUndefined();
    },
  );

  it('takes an unknown session for ended', async () => {
    const failure = Object.assign(new Error('no'), {
      isResponse: true,
      response: { statusCode: 500, body: `Unknown session "${ID}"` },
    });
    const gate = gateOf(rejecting(failure));
    await expect(gate.destroySession(ID)).resolves.toBeUndefined();
  });

  it('takes an empty answer for none: somebody else may have given it', async () => {
    const empty = [{ statusCode: 200, headers: {} }];
    await expect(gateOf(async () => empty).destroySession(ID)).rejects.toMatchObject({
      code: 'CONSUL_UNAVAILABLE',
    });
  });
});

describe('readSession', () => {
  it.each([
    [answered(200, [])],
    [answered(200, [], undefined)],
    [answered(200, [], null)],
    [undefined],
    [null],
  ])('takes %j for no session', async (result) => {
    await expect(gateOf(async () => result).readSession(ID)).resolves.toBeNull();
  });

  it.each([['<html>'], [{}], ['']])('takes no %j for no session', async (body) => {
    const gate = gateOf(async () => answered(200, body, undefined));
    await expect(gate.readSession(ID)).rejects.toMatchObject({ code: 'CONSUL_UNAVAILABLE' });
  });
});

describe('readKey and readTree', () => {
  it.each([[answered(404)], [answered(404, '')], [answered(404, Buffer.alloc(0))], [undefined], [null]])(
    'take %j for no key',
    async (result) => {
      const gate = gateOf(async () => result);
      await expect(gate.readKey('a', { consistency: 'default' })).resolves.toBeNull();
      await expect(gate.readTree('a')).resolves.toEqual([]);
    },
  );

  it.each([
    [answered(404, '<html>Not Found</html>')],
    [answered(404, Buffer.from('<html>'))],
    [answered(200)],
    [answered(204, '')],
    [answered(302)],
  ])('take no %j for no key', async (result) => {
    const gate = gateOf(async () => result);
    const expected = { code: 'CONSUL_UNAVAILABLE', transient: true };
    await expect(gate.readKey('a', { consistency: 'default' })).rejects.toMatchObject(expected);
    await expect(gate.readTree('a')).rejects.toMatchObject(expected);
  });

  it('say how up to date the answer has to be, both ways', async () => {
    const answers = jest.fn<Answering>(async () => undefined);
    const gate = gateOf(answers);
    await gate.readKey('a', { consistency: 'consistent' });
    await gate.readKey('a', { consistency: 'default' });
    await gate.readKey('a', { consistency: 'stale', afterIndex: 7, waitMs: 500 });
    expect(
      answers.mock.calls.map(([{ consistent, stale, index, wait }]) => [consistent, stale, index, wait]),
    ).toEqual([
      [true, false, undefined, undefined],
      [false, false, undefined, undefined],
      [false, true, '7', '500ms'],
    ]);
  });
});

describe('transact', () => {
  const OPERATIONS = [{ KV: { Verb: 'get', Key: 'a' } }];
  const refusing = async (body: unknown): Promise<unknown> => {
    const failure = Object.assign(new Error('conflict'), {
      isResponse: true,
      response: { statusCode: 409, body },
    });
    return await gateOf(rejecting(failure)).transact(OPERATIONS);
  };

  it('tells every refusal', async () => {
    await expect(refusing({ Errors: [{ OpIndex: 1, What: 'lock is already held' }] })).resolves.toEqual({
      committed: false,
      refusals: [{ opIndex: 1, what: 'lock is already held' }],
    });
  });

  it.each([
    ['<html>'],
    [undefined],
    [null],
    [{}],
    [{ Errors: null }],
    [{ Errors: [] }],
    [{ Errors: [null] }],
    [{ Errors: [{ OpIndex: '0', What: 'x' }] }],
    [{ Errors: [{ OpIndex: 0 }] }],
    [{ Errors: { OpIndex: 0, What: 'x' } }],
    [[{ OpIndex: 0, What: 'x' }]],
  ])('takes no %j with 409 for a refusal', async (body) => {
    const error = await failureOf(async () => await refusing(body));
    expect(error).toMatchObject({ code: 'CONSUL_UNAVAILABLE', transient: true, operation: 'transaction' });
  });

  it.each(['Permission denied', 'rpc error making call: ACL not found'])(
    'takes %j for denied',
    async (What) => {
      await expect(refusing({ Errors: [{ OpIndex: 0, What }] })).rejects.toMatchObject({
        code: 'CONSUL_DENIED',
        statusCode: 403,
        transient: false,
      });
    },
  );

  it('takes the name of a key for no denial', async () => {
    const What = 'key "locks/Permission denied" exists';
    await expect(refusing({ Errors: [{ OpIndex: 0, What }] })).resolves.toMatchObject({ committed: false });
  });
});

describe('a request that fails', () => {
  it('is settled though the client throws when it is cancelled', async () => {
    const gate = gateOf(
      ({ ctx }) => {
        ctx.on('cancel', () => {
          throw new Error('of whoever listens to the log of the client');
        });
        return new Promise<never>(() => {});
      },
      { requestTimeoutMs: 20 },
    );
    await expect(gate.destroySession(ID)).rejects.toMatchObject({ code: 'CONSUL_UNAVAILABLE' });
  });

  it('is settled though the error has no words', async () => {
    const wordless = Object.defineProperty(new Error(), 'message', { value: { of: 'another kind' } });
    await expect(gateOf(rejecting(wordless)).destroySession(ID)).rejects.toMatchObject({
      code: 'CONSUL_UNAVAILABLE',
    });
  });
});

describe('createSession', () => {
  it('sends durations as Consul reads them, also a lock delay of 0', async () => {
    const answers = jest.fn<Answering>(async () => ({ ID }));
    await gateOf(answers).createSession({ ...NEW_SESSION, checks: ['serfHealth'] });
    expect(answers.mock.calls[0]![0]).toMatchObject({
      ttl: '10000ms',
      lockdelay: '0ms',
      name: 'mine',
      behavior: 'delete',
      checks: ['serfHealth'],
    });
  });
});

describe('a lock on a hostile client', () => {
  let options: { consulClient: ConsulClient; requestTimeoutMs: number; retryTimeoutMs: number };

  beforeEach(() => {
    options = { consulClient: clientThat(async () => {}), requestTimeoutMs: 20, retryTimeoutMs: 0 };
  });

  it.each<[string, Answering]>([
    ['a page for everything', async () => answered(200, '<html>', '<html>')],
    ['null for everything', async () => null],
    ['true for everything', async () => true],
    ['7 for everything', async () => 7],
    ['nothing, ever', () => new Promise<never>(() => {})],
  ])('that answers %s is not acquired, and is told so in time', async (_, answers) => {
    options.consulClient = clientThat(answers);
    const lock = new EphemeralLock('a', options);
    const acts = [async () => await lock.acquire(), async () => await lock.tryAcquire()];
    for (const act of acts) {
      await expect(act()).rejects.toMatchObject({ name: 'ConsulRequestError', code: 'CONSUL_UNAVAILABLE' });
    }
  });
});
