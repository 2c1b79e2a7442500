import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import {
  createServer,
  Agent as HttpAgent,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer, Agent as HttpsAgent, type ServerOptions } from 'node:https';
import type { AddressInfo, ListenOptions } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { clientOptions, consulFromEnv } from '../../lib/consul-env.ts';
import { whereaboutsOf } from '../../lib/consul-client.ts';
import { EphemeralLock, inspectLock, resetDefaults } from '../../lib/index.ts';
import { failureOf } from '../support/failure-of.ts';

const VARIABLES = [
  'CONSUL_HTTP_ADDR',
  'CONSUL_HTTP_TOKEN',
  'CONSUL_HTTP_TOKEN_FILE',
  'CONSUL_HTTP_AUTH',
  'CONSUL_HTTP_SSL',
  'CONSUL_HTTP_SSL_VERIFY',
  'CONSUL_CACERT',
  'CONSUL_CAPATH',
  'CONSUL_CLIENT_CERT',
  'CONSUL_CLIENT_KEY',
  'CONSUL_TLS_SERVER_NAME',
] as const;

type Environment = Partial<Record<(typeof VARIABLES)[number], string>>;

let folder: string;

/** A file in the folder of this run. */
function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

beforeAll(() => {
  // Short, for the name of a socket may have a hundred characters or so.
  folder = mkdtempSync(join(tmpdir(), 'cl-env-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

const urlOf = (env: Environment): string => clientOptions(env).baseUrl.href;

describe('clientOptions', () => {
  describe('CONSUL_HTTP_ADDR', () => {
    it.each([
      [undefined, 'http://127.0.0.1:8500/v1'],
      ['', 'http://127.0.0.1:8500/v1'],
      ['10.0.0.1:8501', 'http://10.0.0.1:8501/v1'],
      ['consul.example:8500', 'http://consul.example:8500/v1'],
      ['consul.example', 'http://consul.example/v1'],
      ['http://consul.example:8500', 'http://consul.example:8500/v1'],
      ['HTTP://consul.example:8500', 'http://consul.example:8500/v1'],
      ['https://consul.example:8501', 'https://consul.example:8501/v1'],
      ['https://consul.example', 'https://consul.example/v1'],
      ['http://consul.example:8500/', 'http://consul.example:8500/v1'],
      ['http://consul.example/prefix', 'http://consul.example/prefix/v1'],
      ['consul.example:80/a/b/', 'http://consul.example/a/b/v1'],
      ['http://consul.example:8500/prefix?x=1#y', 'http://consul.example:8500/prefix/v1'],
      ['[::1]:8500', 'http://[::1]:8500/v1'],
      ['https://[2001:db8::1]:8501/prefix', 'https://[2001:db8::1]:8501/prefix/v1'],
    ])('of %s is the client at %s', (address, expected) => {
      expect(urlOf({ ...(address !== undefined && { CONSUL_HTTP_ADDR: address }) })).toBe(expected);
      expect(clientOptions({}).socketPath).toBeUndefined();
    });

    it('of unix:// is a socket', () => {
      const { baseUrl, socketPath } = clientOptions({ CONSUL_HTTP_ADDR: 'unix:///run/consul/http.sock' });
      expect([baseUrl.href, socketPath]).toEqual(['http://localhost/v1', '/run/consul/http.sock']);
    });

    it('of unix:// may be a relative path, as for the command', () => {
      expect(clientOptions({ CONSUL_HTTP_ADDR: 'unix://http.sock' }).socketPath).toBe('http.sock');
    });

    it.each([
      'ftp://consul.example',
      'tcp://consul.example:8500',
      'unix://',
      'http://',
      'consul.example:port',
      'consul.example:99999',
      'http://[::1',
      'http://exa mple:8500',
      ':8500',
      'http://a%zz@consul.example',
      'http://a:%ff@consul.example',
    ])('of %s is refused', (address) => {
      expect(() => clientOptions({ CONSUL_HTTP_ADDR: address })).toThrow(TypeError);
      expect(() => clientOptions({ CONSUL_HTTP_ADDR: address })).toThrow(/^CONSUL_HTTP_ADDR: must /);
    });
  });

  describe('CONSUL_HTTP_SSL', () => {
    it.each(['1', 't', 'T', 'true', 'TRUE', 'True'])(
      'of %s makes an address without a scheme https',
      (flag) => {
        const env = { CONSUL_HTTP_ADDR: 'consul.example:8501', CONSUL_HTTP_SSL: flag };
        expect(urlOf(env)).toBe('https://consul.example:8501/v1');
        expect(clientOptions(env).agent).toBeInstanceOf(HttpsAgent);
      },
    );

    it.each(['0', 'f', 'F', 'false', 'FALSE', 'False', ''])('of "%s" leaves it http', (flag) => {
      const env = { CONSUL_HTTP_ADDR: 'consul.example:8500', CONSUL_HTTP_SSL: flag };
      expect(urlOf(env)).toBe('http://consul.example:8500/v1');
      expect(clientOptions(env).agent).toBeInstanceOf(HttpAgent);
      expect(clientOptions(env).agent).not.toBeInstanceOf(HttpsAgent);
    });

    it('of false does not take https away from an address that says so', () => {
      expect(urlOf({ CONSUL_HTTP_ADDR: 'https://a', CONSUL_HTTP_SSL: 'false' })).toBe('https://a/v1');
    });

    it('speaks https over a socket', () => {
      const { baseUrl, socketPath } = clientOptions({ CONSUL_HTTP_ADDR: 'unix:///s', CONSUL_HTTP_SSL: '1' });
      expect([baseUrl.protocol, socketPath]).toEqual(['https:', '/s']);
    });

    it.each(['CONSUL_HTTP_SSL', 'CONSUL_HTTP_SSL_VERIFY'] as const)(
      'and other booleans are read strictly: %s',
      (name) => {
        for (const value of ['yes', 'on', '2', 'tRUE', ' true']) {
          const act = (): unknown => clientOptions({ CONSUL_HTTP_ADDR: 'https://a', [name]: value });
          expect(act).toThrow(TypeError);
          expect(act).toThrow(`${name}: must be a boolean (1, true, 0, false); got ${value}`);
        }
      },
    );
  });

  describe('CONSUL_HTTP_SSL_VERIFY', () => {
    it('of false verifies nothing', () => {
      const env = { CONSUL_HTTP_ADDR: 'https://a', CONSUL_HTTP_SSL_VERIFY: 'false' };
      expect(clientOptions(env).rejectUnauthorized).toBe(false);
    });

    it.each(['true', '', undefined])('of %s verifies', (flag) => {
      const env = {
        CONSUL_HTTP_ADDR: 'https://a',
        ...(flag !== undefined && { CONSUL_HTTP_SSL_VERIFY: flag }),
      };
      expect(clientOptions(env).rejectUnauthorized).not.toBe(false);
    });
  });

  describe('CONSUL_HTTP_TOKEN', () => {
    it('is the token of every request', () => {
      expect(clientOptions({ CONSUL_HTTP_TOKEN: 'mine' }).defaults).toEqual({ token: 'mine' });
    });

    it.each([undefined, ''])('of %j is none', (token) => {
      expect(clientOptions({ ...(token !== undefined && { CONSUL_HTTP_TOKEN: token }) })).not.toHaveProperty(
        'defaults',
      );
    });
  });

  describe.each(['hunter2\nX-Evil: 1', 'hunter2 and more', 'hünter2', 'hunter2\0'])(
    'a token of %j',
    (token) => {
      it('is refused where it is read, and not shown', async () => {
        for (const env of [{ CONSUL_HTTP_TOKEN: token }, { CONSUL_HTTP_TOKEN_FILE: file('bad', token) }]) {
          const error = await failureOf(() => clientOptions(env));
          expect(error).toBeInstanceOf(TypeError);
          expect(error.message).toMatch(/^CONSUL_HTTP_TOKEN(_FILE)?: must /);
          expect(inspect(error)).not.toContain('nter2');
        }
      });
    },
  );

  describe('CONSUL_HTTP_TOKEN_FILE', () => {
    it('holds a token, and wins over CONSUL_HTTP_TOKEN', () => {
      const env = { CONSUL_HTTP_TOKEN_FILE: file('token', ' from-file\r\n'), CONSUL_HTTP_TOKEN: 'mine' };
      expect(clientOptions(env).defaults).toEqual({ token: 'from-file' });
    });

    it('leaves CONSUL_HTTP_TOKEN in place when it is empty', () => {
      const env = { CONSUL_HTTP_TOKEN_FILE: file('empty', ' \n'), CONSUL_HTTP_TOKEN: 'mine' };
      expect(clientOptions(env).defaults).toEqual({ token: 'mine' });
    });
  });

  describe('CONSUL_HTTP_AUTH', () => {
    it.each([
      ['user:password', 'user', 'password'],
      ['user:p:a:s', 'user', 'p:a:s'],
      ['us/er:p@ss word%', 'us/er', 'p@ss word%'],
      ['ü:ß', 'ü', 'ß'],
    ])('of %s is a user and a password', (auth, user, password) => {
      const { username, password: encoded } = clientOptions({ CONSUL_HTTP_AUTH: auth }).baseUrl;
      expect([decodeURIComponent(username), decodeURIComponent(encoded)]).toEqual([user, password]);
    });

    it('wins over the credentials of the address', () => {
      const env = { CONSUL_HTTP_ADDR: 'http://a:b@c', CONSUL_HTTP_AUTH: 'd:e' };
      expect(urlOf(env)).toBe('http://d:e@c/v1');
      expect(urlOf({ CONSUL_HTTP_ADDR: 'http://a:b@c' })).toBe('http://a:b@c/v1');
    });
  });

  describe('the files of TLS', () => {
    const https = { CONSUL_HTTP_ADDR: 'https://a' };

    it('are read: authority, certificate and key; and the name is passed on', () => {
      const options = clientOptions({
        ...https,
        CONSUL_CACERT: file('ca.pem', 'the authority'),
        CONSUL_CLIENT_CERT: file('cert.pem', 'the certificate'),
        CONSUL_CLIENT_KEY: file('key.pem', 'the key'),
        CONSUL_TLS_SERVER_NAME: 'server.dc1.consul',
      });
      expect(options).toMatchObject({
        ca: ['the authority'],
        cert: 'the certificate',
        key: 'the key',
        servername: 'server.dc1.consul',
      });
    });

    it('may be a folder of authorities, without what is under it', () => {
      mkdirSync(join(folder, 'authorities/below'), { recursive: true });
      file('authorities/1.pem', 'one');
      file('authorities/2.pem', 'two');
      const { ca } = clientOptions({ ...https, CONSUL_CAPATH: join(folder, 'authorities') });
      expect(ca?.toSorted()).toEqual(['one', 'two']);
    });

    it('are the file rather than the folder when both are named', () => {
      const env = {
        ...https,
        CONSUL_CACERT: file('ca.pem', 'the authority'),
        CONSUL_CAPATH: '/does/not/exist',
      };
      expect(clientOptions(env).ca).toEqual(['the authority']);
    });

    it('are none without their variables', () => {
      expect(Object.keys(clientOptions(https))).toEqual(['baseUrl', 'agent']);
    });

    it('do not matter over http', () => {
      const env = { CONSUL_CACERT: '/does/not/exist', CONSUL_CLIENT_CERT: '/does/not/exist' };
      expect(Object.keys(clientOptions(env))).toEqual(['baseUrl', 'agent']);
    });

    it.each(['CONSUL_CLIENT_CERT', 'CONSUL_CLIENT_KEY'] as const)(
      'are refused when there is only %s',
      (name) => {
        const act = (): unknown => clientOptions({ ...https, [name]: file('one.pem', 'one') });
        expect(act).toThrow(TypeError);
        expect(act).toThrow('CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY must be set together');
      },
    );

    it.each([
      ['CONSUL_HTTP_TOKEN_FILE', 'a file'],
      ['CONSUL_CACERT', 'a file'],
      ['CONSUL_CAPATH', 'a folder'],
    ] as const)('that cannot be read are refused: %s', async (name, what) => {
      const env = { ...https, [name]: '/does/not/exist' };
      const error = await failureOf(() => clientOptions(env));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toBe(`${name}: must be ${what} that can be read; got '/does/not/exist'`);
      expect(error.cause).toMatchObject({ code: 'ENOENT' });
    });

    it.each(['CONSUL_CLIENT_CERT', 'CONSUL_CLIENT_KEY'] as const)(
      'that cannot be read are refused: %s',
      (name) => {
        const good = file('good.pem', 'good');
        const env = { ...https, CONSUL_CLIENT_CERT: good, CONSUL_CLIENT_KEY: good, [name]: folder };
        expect(() => clientOptions(env)).toThrow(`${name}: must be a file that can be read; got '${folder}'`);
      },
    );
  });

  describe('a password', () => {
    const shownBy = async (env: Environment): Promise<string> =>
      inspect(await failureOf(() => clientOptions(env)), { depth: Infinity, showHidden: true });

    it.each([
      'ftp://user:hunter2@a',
      'http://user:hunter2@a:port',
      'https://user:hunter2@[::1',
      'x://user:hunter2@',
    ])('is in no message about %s', async (address) => {
      expect(await shownBy({ CONSUL_HTTP_ADDR: address })).not.toContain('hunter2');
    });

    describe.each([
      'user:hunter2@a:port',
      'ftp://user:hunter2/3@a',
      'http://user:x/hunter2@a:port',
      'http://user:x@hunter2@a:port',
      'http://user:x/hunter2@a b',
    ])('in %s', (address) => {
      it('is in no message', async () => {
        expect(await shownBy({ CONSUL_HTTP_ADDR: address })).not.toContain('hunter2');
      });
    });

    it('is in no message about another variable', async () => {
      const env = {
        CONSUL_HTTP_AUTH: 'user:hunter2',
        CONSUL_HTTP_TOKEN: 'hunter2',
        CONSUL_HTTP_TOKEN_FILE: file('secret', 'hunter2'),
        CONSUL_HTTP_ADDR: 'https://user:hunter2@a',
      };
      expect(await shownBy({ ...env, CONSUL_HTTP_SSL: 'maybe' })).not.toContain('hunter2');
      expect(await shownBy({ ...env, CONSUL_CACERT: '/does/not/exist' })).not.toContain('hunter2');
      expect(await shownBy({ ...env, CONSUL_CLIENT_KEY: '/does/not/exist' })).not.toContain('hunter2');
    });
  });
});

describe('consulFromEnv', () => {
  let before: Environment;
  let servers: Server[];
  let requests: IncomingMessage[];

  beforeEach(() => {
    before = Object.fromEntries(
      VARIABLES.flatMap((name) => (name in process.env ? [[name, process.env[name]]] : [])),
    );
    for (const name of VARIABLES) delete process.env[name];
    servers = [];
    requests = [];
  });

  afterEach(() => {
    for (const name of VARIABLES) delete process.env[name];
    Object.assign(process.env, before);
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
  });

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    requests.push(request);
    const row = {
      Key: 'locks/ephemeral/key',
      Value: 'dg==',
      Flags: 1,
      LockIndex: 1,
      CreateIndex: 7,
      ModifyIndex: 7,
    };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify([row]));
  };

  /** Starts a server, asks it through a client from the environment, and tells what the client found. */
  async function asking(env: Environment): Promise<unknown> {
    Object.assign(process.env, env);
    const consulClient = consulFromEnv();
    try {
      return await inspectLock('key', { consulClient, retryTimeoutMs: 0, requestTimeoutMs: 5_000 });
    } finally {
      consulClient.destroy();
    }
  }

  async function listening(
    server: Server,
    at: ListenOptions = { port: 0, host: '127.0.0.1' },
  ): Promise<number> {
    servers.push(server);
    server.listen(at);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  it('reads every variable from the environment of the process', () => {
    process.env['CONSUL_HTTP_ADDR'] = 'tcp://nonsense';
    expect(() => consulFromEnv()).toThrow('CONSUL_HTTP_ADDR');
  });

  it('asks over http, with token, credentials and the prefix of the path', async () => {
    const port = await listening(createServer(answer));
    const found = await asking({
      CONSUL_HTTP_ADDR: `127.0.0.1:${port}/behind/a/proxy`,
      CONSUL_HTTP_TOKEN: 'mine',
      CONSUL_HTTP_AUTH: 'user:p@ss:word',
    });
    expect(found).toMatchObject({ fencingToken: 7, value: 'v' });
    expect(requests[0]!.url).toMatch(/^\/behind\/a\/proxy\/v1\/kv\/locks%2Fephemeral%2Fkey\?/);
    expect(requests[0]!.headers).toMatchObject({
      'x-consul-token': 'mine',
      authorization: `Basic ${Buffer.from('user:p@ss:word').toString('base64')}`,
    });
  });

  it.each([
    [{ CONSUL_HTTP_AUTH: 'key' }, ''],
    [{ CONSUL_HTTP_AUTH: 'key:' }, ''],
    [{}, 'k%65y@'],
  ])('sends a user without a password with the colon that ends a user’s name: %j', async (env, user) => {
    const port = await listening(createServer(answer));
    await asking({ CONSUL_HTTP_ADDR: `http://${user}127.0.0.1:${port}`, ...env });
    expect(requests[0]!.headers.authorization).toBe(`Basic ${Buffer.from('key:').toString('base64')}`);
  });

  describe('where no agent answers', () => {
    it('has the default address named, and what can be done', () => {
      expect(whereaboutsOf(consulFromEnv())).toBe(
        'tried http://127.0.0.1:8500, the default address, for CONSUL_HTTP_ADDR is not set: start an agent there ' +
          '(consul agent -dev), set CONSUL_HTTP_ADDR, or give a client (configure({ consulClient }))',
      );
    });

    it('has the address in CONSUL_HTTP_ADDR named, without a password', () => {
      process.env['CONSUL_HTTP_ADDR'] = 'https://me:secret@consul.internal:8501/prefix';
      expect(whereaboutsOf(consulFromEnv())).toBe(
        'tried https://consul.internal:8501, the address in CONSUL_HTTP_ADDR: is an agent listening there?',
      );
    });

    it('has a socket named', async () => {
      const path = join(folder, 'nobody.sock');
      const error = await failureOf(async () => await asking({ CONSUL_HTTP_ADDR: `unix://${path}` }));
      expect(error.message).toContain(`; tried unix://${path}, the address in CONSUL_HTTP_ADDR: `);
    });

    it('says of a lock without any set-up what the network said, at all addresses of a name', async () => {
      const server = createServer(answer);
      const port = await listening(server);
      server.close();
      await once(server, 'close');
      process.env['CONSUL_HTTP_ADDR'] = `localhost:${port}`;
      resetDefaults();
      const lock = new EphemeralLock('key', { retryTimeoutMs: 0 });
      const error = await failureOf(async () => await lock.hold(() => {}));
      resetDefaults();
      expect(error).toMatchObject({ code: 'CONSUL_UNAVAILABLE' });
      expect(error.message).toMatch(
        new RegExp(
          `is unavailable: connect ECONNREFUSED \\S+:${port}.*; tried http://localhost:${port}, the address in `,
        ),
      );
    });
  });

  const loopback = Object.values(networkInterfaces()).flat();
  const hasIPv6 = loopback.some((own) => own?.address === '::1');

  (hasIPv6 ? describe : describe.skip)('on a machine with IPv6', () => {
    it('asks over it', async () => {
      const port = await listening(createServer(answer), { port: 0, host: '::1' });
      await expect(asking({ CONSUL_HTTP_ADDR: `[::1]:${port}` })).resolves.toMatchObject({ fencingToken: 7 });
    });
  });

  it('asks over a socket', async () => {
    const socket = join(folder, 'http.sock');
    await listening(createServer(answer), { path: socket });
    await expect(asking({ CONSUL_HTTP_ADDR: `unix://${socket}` })).resolves.toMatchObject({
      fencingToken: 7,
    });
    expect(requests[0]!.url).toMatch(/^\/v1\/kv\//);
  });

  it('says that nobody listens on a socket', async () => {
    const act = async (): Promise<unknown> =>
      await asking({ CONSUL_HTTP_ADDR: `unix://${folder}/none.sock` });
    await expect(act()).rejects.toMatchObject({ code: 'CONSUL_UNAVAILABLE' });
  });

  const hasOpenssl = ((): boolean => {
    try {
      execFileSync('openssl', ['version'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  })();

  (hasOpenssl ? describe : describe.skip)('over https', () => {
    let authority: string;

    /** A self-made certificate, which is its own authority. */
    function certificate(name: string, names: string): { cert: string; key: string } {
      const [cert, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
      const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
      const content = ['-subj', `/CN=${name}`, '-days', '2', '-addext', `subjectAltName=${names}`];
      execFileSync('openssl', [...made, ...content, '-keyout', key, '-out', cert], { stdio: 'ignore' });
      return { cert, key };
    }

    const read = ({ cert, key }: { cert: string; key: string }): ServerOptions => ({
      cert: readFileSync(cert),
      key: readFileSync(key),
    });

    let server: { cert: string; key: string };
    let client: { cert: string; key: string };

    beforeAll(() => {
      server = certificate('server.dc1.consul', 'DNS:server.dc1.consul');
      client = certificate('client', 'DNS:client');
      authority = server.cert;
    });

    const start = async (more: ServerOptions = {}): Promise<Environment> => {
      const port = await listening(createTlsServer({ ...read(server), ...more }, answer));
      return { CONSUL_HTTP_ADDR: `https://127.0.0.1:${port}`, CONSUL_TLS_SERVER_NAME: 'server.dc1.consul' };
    };

    it('trusts the authority of a file', async () => {
      const env = { ...(await start()), CONSUL_CACERT: authority };
      await expect(asking(env)).resolves.toMatchObject({ fencingToken: 7 });
      expect((requests[0]!.socket as TLSSocket).encrypted).toBe(true);
    });

    it('trusts the authorities of a folder', async () => {
      mkdirSync(join(folder, 'trusted'), { recursive: true });
      file('trusted/server.pem', readFileSync(authority, 'utf8'));
      file('trusted/other.pem', readFileSync(client.cert, 'utf8'));
      const env = { ...(await start()), CONSUL_CAPATH: join(folder, 'trusted') };
      await expect(asking(env)).resolves.toMatchObject({ fencingToken: 7 });
    });

    it('speaks it to an address without a scheme', async () => {
      const { CONSUL_HTTP_ADDR = '', ...env } = await start();
      const address = CONSUL_HTTP_ADDR.replace('https://', '');
      const asked = asking({
        ...env,
        CONSUL_HTTP_ADDR: address,
        CONSUL_HTTP_SSL: 'true',
        CONSUL_CACERT: authority,
      });
      await expect(asked).resolves.toMatchObject({ fencingToken: 7 });
    });

    it('shows its own certificate', async () => {
      const env = await start({ requestCert: true, rejectUnauthorized: true, ca: readFileSync(client.cert) });
      const asked = asking({
        ...env,
        CONSUL_CACERT: authority,
        CONSUL_CLIENT_CERT: client.cert,
        CONSUL_CLIENT_KEY: client.key,
      });
      await expect(asked).resolves.toMatchObject({ fencingToken: 7 });
    });

    it('is refused by a server that asks for a certificate', async () => {
      const env = await start({ requestCert: true, rejectUnauthorized: true, ca: readFileSync(client.cert) });
      await expect(asking({ ...env, CONSUL_CACERT: authority })).rejects.toMatchObject({
        code: 'CONSUL_UNAVAILABLE',
      });
      expect(requests).toEqual([]);
    });

    it('does not trust an unknown authority', async () => {
      await expect(asking(await start())).rejects.toMatchObject({ code: 'CONSUL_UNAVAILABLE' });
      const env = { ...(await start()), CONSUL_CACERT: client.cert };
      await expect(asking(env)).rejects.toMatchObject({ code: 'CONSUL_UNAVAILABLE' });
      expect(requests).toEqual([]);
    });

    it('does not trust a certificate of another name', async () => {
      const { CONSUL_HTTP_ADDR = '' } = await start();
      const asked = asking({ CONSUL_HTTP_ADDR, CONSUL_CACERT: authority });
      await expect(asked).rejects.toMatchObject({ code: 'CONSUL_UNAVAILABLE' });
      expect(requests).toEqual([]);
    });

    it('trusts everybody when it is told to', async () => {
      const { CONSUL_HTTP_ADDR = '' } = await start();
      const asked = asking({ CONSUL_HTTP_ADDR, CONSUL_HTTP_SSL_VERIFY: 'false' });
      await expect(asked).resolves.toMatchObject({ fencingToken: 7 });
    });

    it('is spoken over a socket', async () => {
      const socket = join(folder, 'https.sock');
      await listening(createTlsServer(read(server), answer), { path: socket });
      const asked = asking({
        CONSUL_HTTP_ADDR: `unix://${socket}`,
        CONSUL_HTTP_SSL: 'true',
        CONSUL_CACERT: authority,
        CONSUL_TLS_SERVER_NAME: 'server.dc1.consul',
      });
      await expect(asked).resolves.toMatchObject({ fencingToken: 7 });
      expect((requests[0]!.socket as TLSSocket).encrypted).toBe(true);
    });
  });
});
