/** What the server answers, before the client makes a result or an error of it. */
export interface Reply {
  readonly status: number;
  /** Decoded JSON, text or (for `raw`) bytes; undefined: an empty body. */
  readonly body?: unknown;
  readonly contentType?: 'application/json' | 'text/plain' | 'text/plain; charset=utf-8';
  readonly headers?: Readonly<Record<string, string>>;
}

/** A read that may wait until its index has passed the one that the caller knows. */
export interface Query {
  /** Reads the present state. `mark` differs exactly when a change concerns this query. */
  read(): { readonly reply: Reply; readonly index: number; readonly mark: unknown };
  readonly knownIndex: number;
  readonly waitMs: number;
}

export const KNOWN_LEADER: Readonly<Record<string, string>> = {
  'x-consul-knownleader': 'true',
  'x-consul-lastcontact': '0',
};

export function json(body: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status: 200, body, contentType: 'application/json', headers };
}

/** A table that was never written to reports 1: an index of 0 would not block. */
export function indexHeaders(index: number): Readonly<Record<string, string>> {
  return { 'x-consul-index': String(Math.max(1, index)), ...KNOWN_LEADER };
}

/** Thrown by whatever serves a request to answer it with an error. */
export class Refusal extends Error {
  readonly reply: Reply;

  constructor(status: number, text?: string) {
    super(text ?? `status ${status}`);
    this.reply =
      text === undefined ? { status } : { status, body: text, contentType: 'text/plain; charset=utf-8' };
  }
}
