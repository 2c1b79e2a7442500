import { readFileSync, readdirSync } from 'node:fs';
import { Agent as HttpAgent, type AgentOptions } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { join } from 'node:path';
import Consul from 'consul';
import { letGoOfRequests } from './call-context.ts';
import { rememberOrigin } from './consul-client.ts';
import { tellingOfRequests } from './consul-socket.ts';

const DEFAULT_ADDRESS = '127.0.0.1:8500';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Makes a client from the variables that Consul's own command reads: `CONSUL_HTTP_ADDR` (host:port, http(s)://,
 * unix://), `CONSUL_HTTP_TOKEN`, `CONSUL_HTTP_TOKEN_FILE`, `CONSUL_HTTP_AUTH`, `CONSUL_HTTP_SSL`,
 * `CONSUL_HTTP_SSL_VERIFY`, `CONSUL_CACERT`, `CONSUL_CAPATH`, `CONSUL_CLIENT_CERT`, `CONSUL_CLIENT_KEY` and
 * `CONSUL_TLS_SERVER_NAME`. As there, a token file that holds a token wins over `CONSUL_HTTP_TOKEN`, and an address
 * without a scheme is plain HTTP unless `CONSUL_HTTP_SSL` is true. The last six are read only with TLS.
 *
 * Throws a `TypeError` that names the variable when one cannot be understood or its file cannot be read.
 */
export function consulFromEnv(): Consul {
  const client = new Consul(clientOptions(process.env));
  letGoOfRequests(client);
  const isGiven = nonEmpty(process.env, 'CONSUL_HTTP_ADDR') !== undefined;
  rememberOrigin(client, isGiven ? GIVEN_BY_ENVIRONMENT : DEFAULT);
  return client;
}

const GIVEN_BY_ENVIRONMENT = 'the address in CONSUL_HTTP_ADDR: is an agent listening there?';

const DEFAULT =
  'the default address, for CONSUL_HTTP_ADDR is not set: start an agent there (consul agent -dev), set CONSUL_HTTP_ADDR, ' +
  'or give a client (configure({ consulClient }))';

/** What the constructor of `consul` takes; its shipped types know neither TLS nor sockets. */
interface ClientOptions {
  baseUrl: URL;
  agent: HttpAgent;
  socketPath?: string;
  defaults?: { token: string };
  headers?: { authorization: string };
  ca?: string[];
  cert?: string;
  key?: string;
  servername?: string;
  rejectUnauthorized?: boolean;
}

export function clientOptions(env: Environment): ClientOptions {
  const { url, socketPath } = address(env);
  credentials(env, url);
  const authorization = userAlone(url);
  const token = tokenOf(env);
  const secure = url.protocol === 'https:';
  return {
    baseUrl: url,
    agent: tellingOfRequests(secure ? new HttpsAgent(agentOptions(url)) : new HttpAgent(agentOptions(url))),
    ...(socketPath !== undefined && { socketPath }),
    ...(token !== undefined && { defaults: { token } }),
    ...(authorization !== undefined && { headers: { authorization } }),
    ...(secure && tlsOptions(env)),
  };
}

/** The client would look up an IPv6 address with its brackets on. */
function agentOptions({ hostname }: URL): AgentOptions {
  return { keepAlive: true, ...(hostname.startsWith('[') && { host: hostname.slice(1, -1) }) };
}

function address(env: Environment): { url: URL; socketPath?: string } {
  const given = nonEmpty(env, 'CONSUL_HTTP_ADDR') ?? DEFAULT_ADDRESS;
  const wantsTls = flag(env, 'CONSUL_HTTP_SSL') ?? false;
  const [, scheme, rest = given] = /^([a-z]+):\/\/(.*)$/i.exec(given) ?? [];
  switch (scheme?.toLowerCase()) {
    case 'unix':
      if (rest === '') throw invalid('CONSUL_HTTP_ADDR', 'must name a socket after unix://', given);
      return { url: new URL(`${wantsTls ? 'https' : 'http'}://localhost/v1`), socketPath: rest };
    case undefined:
    case 'http':
    case 'https': {
      const secure = wantsTls || scheme?.toLowerCase() === 'https';
      return { url: apiUrl(secure ? 'https' : 'http', rest, given) };
    }
    default:
      throw invalid('CONSUL_HTTP_ADDR', 'must be host:port, http(s)://host:port or unix://path', given);
  }
}

function apiUrl(scheme: 'http' | 'https', rest: string, given: string): URL {
  const text = `${scheme}://${rest}`;
  if (!URL.canParse(text) || rest === '') {
    throw invalid('CONSUL_HTTP_ADDR', 'must be host:port, http(s)://host:port or unix://path', given);
  }
  const url = new URL(text);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/v1`;
  url.search = '';
  url.hash = '';
  if (!isDecodable(url.username) || !isDecodable(url.password)) {
    throw invalid('CONSUL_HTTP_ADDR', 'must have user and password percent-encoded, as UTF-8', given);
  }
  return url;
}

/** The client decodes both. */
function isDecodable(encoded: string): boolean {
  try {
    decodeURIComponent(encoded);
    return true;
  } catch {
    return false;
  }
}

function credentials(env: Environment, url: URL): void {
  const auth = nonEmpty(env, 'CONSUL_HTTP_AUTH');
  if (auth === undefined) return;
  const colon = auth.indexOf(':');
  url.username = encodeURIComponent(colon < 0 ? auth : auth.slice(0, colon));
  url.password = colon < 0 ? '' : encodeURIComponent(auth.slice(colon + 1));
}

/**
 * Takes a user without a password out of the URL, and says how it is sent: the client would leave out the colon that ends a
 * user's name (source: RFC 7617, section 2).
 */
function userAlone(url: URL): string | undefined {
  if (url.username === '' || url.password !== '') return undefined;
  const user = decodeURIComponent(url.username);
  url.username = '';
  return `Basic ${Buffer.from(`${user}:`).toString('base64')}`;
}

function tokenOf(env: Environment): string | undefined {
  const file = nonEmpty(env, 'CONSUL_HTTP_TOKEN_FILE');
  const fromFile = file === undefined ? '' : read('CONSUL_HTTP_TOKEN_FILE', file).trim();
  if (fromFile !== '') return sendable('CONSUL_HTTP_TOKEN_FILE', fromFile);
  const token = nonEmpty(env, 'CONSUL_HTTP_TOKEN');
  return token === undefined ? undefined : sendable('CONSUL_HTTP_TOKEN', token);
}

/** Says of a token what it is not, never what it is. */
function sendable(variable: string, token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new TypeError(
    `${variable}: must hold a token of printable ASCII without spaces; got ${token.length} characters`,
  );
}

function tlsOptions(env: Environment): Partial<ClientOptions> {
  const caFile = nonEmpty(env, 'CONSUL_CACERT');
  const caFolder = nonEmpty(env, 'CONSUL_CAPATH');
  const cert = nonEmpty(env, 'CONSUL_CLIENT_CERT');
  const key = nonEmpty(env, 'CONSUL_CLIENT_KEY');
  const servername = nonEmpty(env, 'CONSUL_TLS_SERVER_NAME');
  const verify = flag(env, 'CONSUL_HTTP_SSL_VERIFY') ?? true;
  if ((cert === undefined) !== (key === undefined)) {
    throw invalid(
      cert === undefined ? 'CONSUL_CLIENT_CERT' : 'CONSUL_CLIENT_KEY',
      'CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY must be set together',
      undefined,
    );
  }
  const ca = caFile !== undefined ? [read('CONSUL_CACERT', caFile)] : readFolder('CONSUL_CAPATH', caFolder);
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert: read('CONSUL_CLIENT_CERT', cert) }),
    ...(key !== undefined && { key: read('CONSUL_CLIENT_KEY', key) }),
    ...(servername !== undefined && { servername }),
    ...(!verify && { rejectUnauthorized: false }),
  };
}

function readFolder(variable: string, folder: string | undefined): string[] | undefined {
  if (folder === undefined) return undefined;
  let files: string[];
  try {
    files = readdirSync(folder, { withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(folder, entry.name));
  } catch (cause) {
    throw new TypeError(`${variable}: must be a folder that can be read; got '${folder}'`, { cause });
  }
  return files.map((file) => read(variable, file));
}

function read(variable: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new TypeError(`${variable}: must be a file that can be read; got '${file}'`, { cause });
  }
}

/** The booleans of Go's strconv.ParseBool, which Consul's command reads these variables with. */
function flag(env: Environment, variable: string): boolean | undefined {
  const value = nonEmpty(env, variable);
  if (value === undefined) return undefined;
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(value)) return true;
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(value)) return false;
  throw invalid(variable, 'must be a boolean (1, true, 0, false)', value);
}

function nonEmpty(env: Environment, variable: string): string | undefined {
  const value = env[variable];
  return value === undefined || value === '' ? undefined : value;
}

/** An address may carry a password, so that one is left out of the message. */
function invalid(variable: string, rule: string, value: string | undefined): TypeError {
  return new TypeError(
    `${variable}: ${rule}; got ${value?.replace(/^([a-z]+:\/\/)?.*@/is, '$1***@') ?? 'only one'}`,
  );
}
