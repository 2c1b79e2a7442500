import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import Consul from 'consul';
import type { ConsulClient } from '../../lib/consul-client.ts';
import {
  isAmbiguous,
  isTransient,
  NoAnswer,
  sayable,
  translateFailure,
  UnexpectedAnswer,
} from '../../lib/consul-failure.ts';
import { ConsulGate } from '../../lib/consul-gate.ts';
import { ConsulRequestError } from '../../lib/errors.ts';
import { EphemeralLock } from '../../lib/index.ts';
import { FakeConsul } from '../../lib/testing/index.ts';
import { failureOf } from '../support/failure-of.ts';

const TOKEN = 'c0ffee00-5ec7-e700-0000-000000000000';
const CONTEXT = { operation: 'transaction', secrets: [TOKEN], keys: ['a'] };

/** As the client puts it. */
function response(statusCode: number, body?: unknown, message = 'internal server error'): Error {
  return Object.assign(new Error(message), {
    isPapi: true,
    isResponse: true,
    response: { statusCode, body },
  });
}

function networkError(code: string, syscall = 'connect'): Error {
  return Object.assign(new Error(`${syscall} ${code}`), { code, errno: -1, syscall });
}

const papi = (mark: string): Error => Object.assign(new Error(mark), { isPapi: true, [mark]: true });

/** Will the same request succeed later, and may it have been carried out? */
const KINDS = {
  unavailable: { code: 'CONSUL_UNAVAILABLE', transient: true, ambiguous: true },
  'not carried out': { code: 'CONSUL_UNAVAILABLE', transient: true, ambiguous: false },
  unusable: { code: 'CONSUL_UNAVAILABLE', transient: false, ambiguous: false },
  denied: { code: 'CONSUL_DENIED', transient: false, ambiguous: false },
  rejected: { code: 'CONSUL_REJECTED', transient: false, ambiguous: false },
} as const;

const TRUTH: readonly (readonly [kind: keyof typeof KINDS, what: string, failure: unknown])[] = [
  ['unavailable', 'our own time limit', new NoAnswer('no answer within 5 ms')],
  ['unavailable', 'an answer of another kind', new UnexpectedAnswer('it is no key')],
  ['unavailable', "the client's time limit", papi('isTimeout')],
  ['unavailable', "the client's abort", papi('isAbort')],
  ['unavailable', 'broken JSON', papi('isCodec')],
  ['unavailable', 'a socket hang up', networkError('ECONNRESET')],
  ['unavailable', 'a broken pipe', networkError('EPIPE')],
  ['unavailable', 'a connection that timed out', networkError('ETIMEDOUT')],
  ['unavailable', 'a host that went out of reach', networkError('EHOSTUNREACH', 'read')],
  ['unavailable', 'a network that went out of reach', networkError('ENETUNREACH', 'write')],
  ['unavailable', 'garbage on the wire', networkError('HPE_INVALID_CONSTANT')],
  ['unavailable', 'an error without a mark', new Error('what is this?')],
  ['unavailable', 'a string', 'thrown'],
  ['unavailable', 'nothing', undefined],
  ['unavailable', 'null', null],
  ['not carried out', 'a refused connection', networkError('ECONNREFUSED')],
  ['not carried out', 'an unknown host', networkError('ENOTFOUND')],
  ['not carried out', 'a name server that is down', networkError('EAI_AGAIN')],
  ['not carried out', 'a missing socket', networkError('ENOENT')],
  ['not carried out', 'a host out of reach', networkError('EHOSTUNREACH')],
  ['not carried out', 'a network out of reach', networkError('ENETUNREACH')],
  ['not carried out', '429', response(429, 'Your IP is issuing too many concurrent connections')],
  ['not carried out', '500 No cluster leader', response(500, 'No cluster leader')],
  ['not carried out', '500 of a server that just started', response(500, 'Missing node registration')],
  [
    'not carried out',
    '500 of a follower that cannot reach the leader',
    response(
      500,
      'rpc error making call: rpc error getting client: failed to get conn: dial tcp 1.2.3.4:8300',
    ),
  ],
  ['unavailable', '500 stream closed', response(500, 'rpc error making call: stream closed')],
  ['unavailable', '500 EOF', response(500, 'rpc error making call: EOF')],
  ['unavailable', '500 of a lost leadership', response(500, 'leadership lost while committing log')],
  ['unavailable', '500 of no leader', response(500, 'node is not the leader')],
  ['unavailable', '500 at the end', response(500, 'raft is already shutdown')],
  ['unavailable', '500 without a word', response(500)],
  ['unavailable', '502 with a page', response(502, '<html>Bad Gateway</html>')],
  ['unavailable', '503', response(503, 'Service Unavailable')],
  ['unavailable', '504', response(504)],
  ['unavailable', '404 of another', response(404, '<html>Not Found</html>')],
  ['unavailable', '301', response(301)],
  ['denied', '403 Permission denied', response(403, 'Permission denied')],
  ['denied', '403 ACL not found', response(403, 'ACL not found')],
  ['denied', '401', response(401)],
  ['denied', '500 of a follower: ACL not found', response(500, 'rpc error making call: ACL not found')],
  [
    'denied',
    '500 of a follower: Permission denied',
    response(500, 'rpc error making call: Permission denied'),
  ],
  ['rejected', '400', response(400, 'Bad request')],
  ['rejected', '405', response(405)],
  ['rejected', '413', response(413, 'Request body(524289 bytes) too large, max size: 524288 bytes.')],
  [
    'rejected',
    '500 of a TTL',
    response(500, 'Invalid Session TTL "5000000000", must be between [10s=24h0m0s]'),
  ],
  ['rejected', '500 of a behavior', response(500, "Invalid Behavior setting 'x'")],
  ['rejected', '500 of a datacenter', response(500, 'No path to datacenter')],
  ['rejected', '500 of an invalid session', response(500, 'rpc error making call: invalid session "x"')],
  ['rejected', '500 of a check', response(500, "Missing check 'x' registration")],
  ['rejected', '500 of a malformed UUID', response(500, 'UUID must be 36 characters')],
  ['rejected', "the client's own refusal", Object.assign(new Error('id required'), { isValidation: true })],
  ['unusable', 'an expired certificate', networkError('CERT_HAS_EXPIRED')],
  ['unusable', 'a certificate of its own', networkError('DEPTH_ZERO_SELF_SIGNED_CERT')],
  ['unusable', 'a chain of its own', networkError('SELF_SIGNED_CERT_IN_CHAIN')],
  ['unusable', 'an unknown issuer', networkError('UNABLE_TO_VERIFY_LEAF_SIGNATURE')],
  ['unusable', 'a certificate for another name', networkError('ERR_TLS_CERT_ALTNAME_INVALID')],
];

describe('translateFailure', () => {
  it.each(TRUTH)('calls %s: %s', (kind, _, failure) => {
    const { code, transient, ambiguous } = KINDS[kind];
    const error = translateFailure(failure, CONTEXT);
    expect(error).toBeInstanceOf(ConsulRequestError);
    expect({ code: error.code, transient: error.transient, ambiguous: isAmbiguous(error) }).toEqual({
      code,
      transient,
      ambiguous,
    });
    expect(isTransient(error)).toBe(transient);
    expect(error.message).toMatch(
      /^transaction: Consul (is unavailable|denied access|rejected the request): ./,
    );
  });

  it.each(TRUTH)('says keys and operation, and the cause on one line, of %s: %s', (_kind, _, failure) => {
    const error = translateFailure(failure, CONTEXT);
    expect(error).toMatchObject({ keys: ['a'], operation: 'transaction' });
    expect(error.message).not.toMatch(/[\r\n]/);
    expect(error.cause).toBeInstanceOf(Error);
    expect(error.cause).not.toBe(failure);
  });

  it("tells the status, the server's words and the code of the network", () => {
    expect(translateFailure(response(503, 'later\nplease'), CONTEXT)).toMatchObject({
      statusCode: 503,
      message: 'transaction: Consul is unavailable: later please',
    });
    const { cause, statusCode } = translateFailure(networkError('ECONNREFUSED'), CONTEXT);
    expect(cause).toMatchObject({ code: 'ECONNREFUSED', message: 'connect ECONNREFUSED' });
    expect(statusCode).toBeUndefined();
  });

  it('reads a body that came as bytes', () => {
    const error = translateFailure(response(500, Buffer.from('No cluster leader')), CONTEXT);
    expect(error.message).toContain('No cluster leader');
    expect(isAmbiguous(error)).toBe(false);
  });

  it('knows an error of another realm, such as those of Node inside of jest', () => {
    const failure: unknown = runInNewContext(`Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })`);
    const error = translateFailure(failure, CONTEXT);
    expect(isAmbiguous(error)).toBe(false);
    expect(error.message).toContain('refused');
  });

  it('has the words of all addresses of a name, whose error has none of its own', () => {
    const parts = [networkError('ECONNREFUSED'), new Error('connect ETIMEDOUT ::1')];
    const failure = Object.assign(new AggregateError(parts, ''), { code: 'ECONNREFUSED' });
    const error = translateFailure(failure, CONTEXT);
    expect(error.message).toBe(
      'transaction: Consul is unavailable: connect ECONNREFUSED; connect ETIMEDOUT ::1',
    );
  });

  describe('of a client', () => {
    const client = (options: object): ConsulClient => new Consul(options);

    it('says which address nobody answered at, without its password', () => {
      const baseUrl = 'https://me:secret@consul.internal:8501/v1';
      const error = translateFailure(networkError('ECONNREFUSED'), {
        ...CONTEXT,
        client: client({ baseUrl }),
      });
      expect(error.message).toBe(
        'transaction: Consul is unavailable: connect ECONNREFUSED; tried https://consul.internal:8501, ' +
          'the address of the consulClient that was given: is an agent listening there?',
      );
    });

    it('says no port where there is none', () => {
      const asker = client({ baseUrl: 'http://consul.internal/v1' });
      const error = translateFailure(networkError('ENOTFOUND'), { ...CONTEXT, client: asker });
      expect(error.message).toContain('; tried http://consul.internal, ');
    });

    it('says which socket', () => {
      const options = { baseUrl: 'http://localhost/v1', socketPath: '/run/consul.sock' };
      const error = translateFailure(new NoAnswer('no answer'), { ...CONTEXT, client: client(options) });
      expect(error.message).toContain('; tried unix:///run/consul.sock, ');
    });

    it.each([
      ['an answer of the server', response(503)],
      ['an answer of something else', new UnexpectedAnswer('it is no key')],
      ['a refused request', papi('isValidation')],
      ['broken JSON', papi('isCodec')],
      ['a certificate that is not trusted', networkError('DEPTH_ZERO_SELF_SIGNED_CERT')],
      ['what is no TLS', networkError('EPROTO', 'write')],
    ])('says nothing of it when there was %s', (_title, failure) => {
      const error = translateFailure(failure, { ...CONTEXT, client: client({ baseUrl: 'http://a/v1' }) });
      expect(error.message).not.toContain('tried');
    });

    it('says nothing of it for a client without an address', () => {
      const fake = new FakeConsul();
      const error = translateFailure(networkError('ECONNREFUSED'), { ...CONTEXT, client: fake });
      expect(error.message).toBe('transaction: Consul is unavailable: connect ECONNREFUSED');
    });
  });

  it('leaves its own errors as they are', () => {
    const error = translateFailure(response(503), CONTEXT);
    expect(translateFailure(error, CONTEXT)).toBe(error);
  });

  it('keeps a page short', () => {
    const error = translateFailure(response(502, `<html>${'x'.repeat(100_000)}`), CONTEXT);
    expect(error.message.length).toBeLessThan(400);
    expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain('x'.repeat(301));
  });
});

describe('isAmbiguous', () => {
  it('takes whatever is not ours for ambiguous', () => {
    expect(isAmbiguous(new Error('aborted'))).toBe(true);
    expect(isAmbiguous(undefined)).toBe(true);
    expect(isTransient(new Error('aborted'))).toBe(false);
  });
});

describe('sayable', () => {
  it('leaves out every secret, wherever it stands', () => {
    expect(sayable(`a ${TOKEN} b ${TOKEN}`, [TOKEN])).toBe('a *** b ***');
    expect(sayable('one two three', ['two', 'three'])).toBe('one *** ***');
  });

  it('never cuts a secret in two where it ends a long text', () => {
    for (let at = 250; at <= 310; at += 1) {
      expect(sayable('x'.repeat(at) + TOKEN, [TOKEN])).not.toContain(TOKEN.slice(0, 4));
    }
  });

  it('never cuts a secret in two behind a long run of white space', () => {
    for (let at = 9_950; at <= 10_010; at += 1) {
      expect(sayable(' '.repeat(at) + TOKEN, [TOKEN])).not.toContain(TOKEN.slice(0, 4));
    }
  });

  it('leaves out a secret that begins with another', () => {
    expect(sayable('token-1 token', ['token', 'token-1'])).toBe('*** ***');
  });
});

describe('an ACL token', () => {
  let server: Server;
  let address: { host: string; port: number };
  let answer: (headers: string) => { status: number; type?: string; body: string };

  beforeEach(async () => {
    server = createServer((incoming, outgoing) => {
      const { status, type = 'text/plain', body } = answer(JSON.stringify(incoming.headers));
      incoming.resume().on('end', () => outgoing.writeHead(status, { 'content-type': type }).end(body));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    address = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  });

  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const everything = (error: Error): string =>
    [
      inspect(error, { depth: Infinity, showHidden: true, maxStringLength: Infinity, getters: true }),
      JSON.stringify(error),
      String(error),
      error.stack,
      error.message,
      JSON.stringify(Object.getOwnPropertyDescriptors(error.cause ?? {})),
    ].join('\n');

  const CLIENTS: readonly (readonly [string, () => { client: ConsulClient; token: string | undefined }])[] = [
    ['of a lock', () => ({ client: new Consul(address), token: TOKEN })],
    [
      'of the client',
      () => ({ client: new Consul({ ...address, defaults: { token: TOKEN } }), token: undefined }),
    ],
  ];

  describe.each(CLIENTS)('%s', (_, make) => {
    it.each([
      ['echoed with 403', (headers: string) => ({ status: 403, body: `Permission denied for ${headers}` })],
      ['echoed with 500', (headers: string) => ({ status: 500, body: headers })],
      ['echoed with 409', (headers: string) => ({ status: 409, body: headers })],
      [
        'echoed in a refusal',
        (headers: string) => ({
          status: 409,
          type: 'application/json',
          body: JSON.stringify({ Errors: [{ OpIndex: 0, What: `Permission denied: ${headers}` }] }),
        }),
      ],
      [
        'echoed in a refusal of an unknown kind',
        (headers: string) => ({
          status: 409,
          type: 'application/json',
          body: JSON.stringify({ Errors: [{ OpIndex: 0, What: `strange: ${headers}` }] }),
        }),
      ],
      ['echoed with 200 and no JSON', (headers: string) => ({ status: 200, body: headers })],
      [
        'echoed with 200 in broken JSON',
        (headers: string) => ({ status: 200, type: 'application/json', body: `{${headers}` }),
      ],
      ['echoed alone, quoted', () => ({ status: 500, body: `"${TOKEN}"` })],
    ])('is in no error when it is %s', async (_what, echo) => {
      answer = echo;
      const { client, token } = make();
      const gate = new ConsulGate({ client, token, dc: undefined, requestTimeoutMs: 5_000, keys: ['a'] });
      const id = '11111111-2222-3333-4444-555555555555';
      const session = { ttlMs: 10_000, lockDelayMs: 0, name: 'x', checks: [], behavior: 'delete' };
      const lock = new EphemeralLock('a', { consulClient: client, token, retryTimeoutMs: 0 });
      const acts: (() => Promise<unknown>)[] = [
        async () => await gate.createSession(session),
        async () => await gate.renewSession(id),
        async () => await gate.readSession(id),
        async () => await gate.readKey('a', { consistency: 'default' }),
        async () => await gate.readTree('a'),
        async () => await gate.readSessions(),
        async () => await lock.acquire(),
      ];
      for (const act of acts) expect(everything(await failureOf(act))).not.toContain(TOKEN);
      const committing = await gate
        .transact([{ KV: { Verb: 'get', Key: 'a' } }])
        .catch((error: Error) => error);
      expect(committing instanceof Error ? everything(committing) : '').not.toContain(TOKEN);
    });

    it('is in no error when nobody answers', async () => {
      answer = () => ({ status: 200, body: '' });
      const { client, token } = make();
      server.close();
      const gate = new ConsulGate({ client, token, dc: undefined, requestTimeoutMs: 5_000, keys: ['a'] });
      const error = await failureOf(async () => await gate.readKey('a', { consistency: 'default' }));
      expect(error).toMatchObject({ code: 'CONSUL_UNAVAILABLE', transient: true });
      expect(error.message).toContain('ECONNREFUSED');
      expect(everything(error)).not.toContain(TOKEN);
    });
  });
});
