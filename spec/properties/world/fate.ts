/** What becomes of one request and its answer. */
export type Fate =
  /** Surely not carried out, and the sender knows. */
  | { readonly kind: 'refused' | 'no-leader' }
  /** The sender is told nothing that counts, at once; `done`: it is carried out all the same. */
  | { readonly kind: 'reset' | 'rpc-error' | 'empty'; readonly done: boolean }
  /** Never answered. */
  | { readonly kind: 'silent'; readonly done: boolean }
  /** The request, and then its answer, are under way for so long, also when the sender has given up. */
  | { readonly kind: 'late'; readonly upMs: number; readonly downMs: number }
  /** A server that was deposed without knowing answers from what it last knew, where Consul lets it. */
  | { readonly kind: 'deposed' };

/** Which requests a fate is for. */
export type Target = 'any' | 'create' | 'renew' | 'destroy' | 'read' | 'write';

export function refused(): Error {
  return Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
}

export function reset(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
}

export function serverError(text: string): Error {
  return Object.assign(new Error(text), {
    isResponse: true,
    statusCode: 500,
    response: { statusCode: 500, body: text },
  });
}
