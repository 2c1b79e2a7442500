import { types } from 'node:util';
import { type ConsulClient, whereaboutsOf } from './consul-client.ts';
import { ConsulRequestError } from './errors.ts';

/** An answer that cannot have come from Consul: a proxy's page, cut or wrong JSON. */
export class UnexpectedAnswer extends Error {
  static {
    this.prototype.name = 'UnexpectedAnswer';
  }
  readonly statusCode: number | undefined;

  constructor(message: string, statusCode?: number) {
    super(message);
    this.statusCode = statusCode;
  }
}

/** Our own time limit ran out. */
export class NoAnswer extends Error {
  static {
    this.prototype.name = 'NoAnswer';
  }
}

/** What the errors of the `consul` package, of Node's network and of our own have in common. */
interface Failure extends Error {
  code?: unknown;
  syscall?: unknown;
  errors?: unknown;
  isResponse?: boolean;
  isCodec?: boolean;
  isValidation?: boolean;
  statusCode?: number;
  response?: { statusCode?: number; body?: unknown };
}

/**
 * Consul's texts for requests that will never succeed as they are. It answers them with 500, like its passing troubles
 * (measured on 1.8.7; a follower puts "rpc error making call: " in front).
 */
const REFUSALS =
  /Invalid Session TTL|Invalid Behavior|Request decode failed|\btime: (missing|unknown|invalid)|Missing check|No path to datacenter|UUID must be|missing session|invalid session|invalid key name|is in critical state/;

const DENIALS = /Permission denied|ACL not found|ACL disabled|Unknown token/;

/** Connections that never came about: whatever was to be sent was not, unless an open one says so of a reading or writing. */
const NEVER_SENT = [
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EACCES',
];

/** Texts of Consul's that say that a write was not even begun. */
const NEVER_BEGUN = /No cluster leader|failed to get conn|Missing node registration/;

const ambiguous = new WeakSet<Error>();

/** Whether the request that failed so may have been carried out, now or later. */
export function isAmbiguous(error: unknown): boolean {
  return !(error instanceof ConsulRequestError) || ambiguous.has(error);
}

export function isTransient(error: unknown): error is ConsulRequestError {
  return error instanceof ConsulRequestError && error.transient;
}

/** The one place where errors of the client and of the network become `ConsulRequestError`. */
export function translateFailure(
  reason: unknown,
  {
    operation,
    secrets,
    keys,
    client,
  }: {
    operation: string;
    secrets: readonly string[];
    keys: readonly string[];
    /** Who asked; its address is named when nobody answered. */
    client?: ConsulClient;
  },
): ConsulRequestError {
  if (reason instanceof ConsulRequestError) return reason;
  // Of any realm: jest gives each spec file globals of its own.
  const failure: Failure = types.isNativeError(reason)
    ? reason
    : new UnexpectedAnswer('the client threw what is no error');
  const statusCode = failure.response?.statusCode ?? failure.statusCode;
  const said = sayable(textOf(failure), secrets);
  const kind = kindOf(failure, statusCode);
  // A certificate that is not trusted, and what is no TLS, are answers too.
  const isAnswered =
    statusCode !== undefined ||
    failure instanceof UnexpectedAnswer ||
    failure.isCodec === true ||
    kind === UNUSABLE ||
    failure.code === 'EPROTO';
  const whereabouts =
    client && !isAnswered && kind.code === 'CONSUL_UNAVAILABLE' ? whereaboutsOf(client) : undefined;
  const tried = whereabouts === undefined ? '' : `; ${whereabouts}`;
  const error = new ConsulRequestError(`${operation}: ${PREFIXES[kind.code]}: ${said}${tried}`, {
    code: kind.code,
    operation,
    keys,
    statusCode,
    transient: kind.transient,
    cause: bareCause(failure, said),
  });
  if (kind.ambiguous) ambiguous.add(error);
  return error;
}

const PREFIXES = {
  CONSUL_UNAVAILABLE: 'Consul is unavailable',
  CONSUL_DENIED: 'Consul denied access',
  CONSUL_REJECTED: 'Consul rejected the request',
};

interface Kind {
  code: ConsulRequestError['code'];
  transient: boolean;
  ambiguous: boolean;
}

const UNAVAILABLE: Kind = { code: 'CONSUL_UNAVAILABLE', transient: true, ambiguous: true };
const NOT_CARRIED_OUT: Kind = { code: 'CONSUL_UNAVAILABLE', transient: true, ambiguous: false };
const UNUSABLE: Kind = { code: 'CONSUL_UNAVAILABLE', transient: false, ambiguous: false };
const DENIED: Kind = { code: 'CONSUL_DENIED', transient: false, ambiguous: false };
const REJECTED: Kind = { code: 'CONSUL_REJECTED', transient: false, ambiguous: false };

function kindOf(failure: Failure, statusCode: number | undefined): Kind {
  if (failure.isResponse === true && statusCode !== undefined)
    return kindOfStatus(statusCode, textOf(failure));
  if (failure.isValidation === true) return REJECTED;
  if (typeof failure.code === 'string') {
    const wasConnected = failure.syscall === 'read' || failure.syscall === 'write';
    if (NEVER_SENT.includes(failure.code) && !wasConnected) return NOT_CARRIED_OUT;
    if (/CERT|^ERR_TLS|^ERR_SSL|SELF_SIGNED|UNABLE_TO/.test(failure.code)) return UNUSABLE;
  }
  return UNAVAILABLE;
}

function kindOfStatus(statusCode: number, text: string): Kind {
  if (statusCode === 401 || statusCode === 403) return DENIED;
  if (statusCode === 400 || statusCode === 405 || statusCode === 413) return REJECTED;
  if (statusCode === 429) return NOT_CARRIED_OUT;
  if (statusCode === 500) {
    if (DENIALS.test(text)) return DENIED;
    if (REFUSALS.test(text)) return REJECTED;
    if (NEVER_BEGUN.test(text)) return NOT_CARRIED_OUT;
  }
  return UNAVAILABLE;
}

function textOf(failure: Failure): string {
  const body = failure.response?.body;
  if (typeof body === 'string' && body.trim() !== '') return body;
  if (Buffer.isBuffer(body) && body.length > 0) return body.toString();
  if (typeof failure.message === 'string' && failure.message !== '') return failure.message;
  // A name with several addresses fails with what each of them said, and has no words of its own.
  const parts = Array.isArray(failure.errors)
    ? (failure.errors as Partial<Error>[]).map((part) => part?.message)
    : [];
  return parts.length > 0 ? parts.join('; ') : 'the client threw an error without words';
}

/** On one line, short, and without what must not be shown. */
export function sayable(text: string, secrets: readonly string[]): string {
  let said = text;
  // The longest first: one may be the beginning of another.
  for (const secret of secrets.toSorted((a, b) => b.length - a.length)) said = said.replaceAll(secret, '***');
  said = said.replace(/[\p{Cc}\s]+/gu, ' ').trim();
  return said.length > 300 ? `${said.slice(0, 300)}…` : said;
}

/** The client's own errors carry the request with its ACL token, and with it all of its sockets. */
function bareCause(failure: Failure, said: string): Error {
  const cause = new Error(said);
  if (failure.name !== 'Error') Object.defineProperty(cause, 'name', { value: failure.name });
  if (typeof failure.code === 'string') Object.assign(cause, { code: failure.code });
  return cause;
}
