import { STATUS_CODES } from 'node:http';

/** The part of `http.IncomingMessage` that callers of the client read. */
export interface FakeResponse {
  readonly statusCode: number;
  readonly statusMessage: string;
  readonly headers: Readonly<Record<string, string>>;
  body?: unknown;
}

/** Beyond this length the client takes a status's name for its message. */
const LONGEST_MESSAGE = 80;

class PapiError extends Error {
  readonly isPapi = true;
}

class ResponseError extends PapiError {
  readonly isResponse = true;
  readonly response: FakeResponse;

  constructor(message: string, response: FakeResponse) {
    super(message);
    this.response = response;
  }

  get statusCode(): number {
    return this.response.statusCode;
  }
}

class AbortError extends PapiError {
  readonly isAbort = true;
}

class TimeoutError extends PapiError {
  readonly isTimeout = true;
}

class ValidationError extends PapiError {
  readonly isValidation = true;
}

class CodecError extends PapiError {
  readonly isCodec = true;
}

/** `prefix` is the name of the call, where the client puts it in front. */
export function responseError(response: FakeResponse, prefix: string): Error {
  const { statusCode, headers, body } = response;
  const isText = headers['content-type']?.startsWith('text/plain') === true;
  const text = isText && typeof body === 'string' && body.length < LONGEST_MESSAGE ? body : undefined;
  const status = STATUS_CODES[statusCode]?.toLowerCase() ?? `request failed: ${statusCode}`;
  return new ResponseError(prefix + (text ?? status), response);
}

export function abortError(prefix: string): Error {
  return new AbortError(`${prefix}request aborted`);
}

export function timeoutError(prefix: string, timeoutMs: number | undefined): Error {
  return new TimeoutError(`${prefix}request timed out${timeoutMs === undefined ? '' : ` (${timeoutMs}ms)`}`);
}

export function canceledError(name: string, state: 'canceled' | 'finished'): Error {
  return new ValidationError(`consul: ${name}: ctx already ${state}`);
}

export function codecError(name: string, mime: string, cause: unknown): Error {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new CodecError(`consul: ${name}: encode (${mime}) failed: ${reason}`, { cause });
}

/** The `consul` package's own argument errors are plain ones with two marks. */
export function argumentError(name: string, rule: string): Error {
  return Object.assign(new Error(`consul: ${name}: ${rule}`), { isConsul: true, isValidation: true });
}
