import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';

/** What the calls take and give depends on their options, and is what these specs are about. */
export type Call = (...args: any[]) => Promise<any>;

/** The calls of the `consul` package, without the types that it ships: those tell another story. */
export interface Client {
  session: Record<'create' | 'renew' | 'destroy' | 'info' | 'get' | 'node' | 'list', Call>;
  kv: Record<'get' | 'keys' | 'set' | 'del' | 'delete', Call>;
  transaction: { create: Call };
}

export interface ClientHarness {
  /** Called within a test, never while the suite is being described. */
  client(): Client;
  /** Lets time pass, by really waiting where there is a real server. */
  advance(ms: number): Promise<void>;
  /** Whether TTLs below Consul's ten seconds are allowed. */
  readonly shortTtls: boolean;
}

export const NO_SESSION = '11111111-1111-4111-8111-111111111111';

export function uniqueKey(): string {
  return `contract/${randomUUID()}`;
}

export type Context = EventEmitter & { includeResponse?: boolean; canceled?: boolean };

/** Turns a result into `[response, body]`, or `[response]`. */
export function withResponse(): { ctx: Context } {
  return { ctx: Object.assign(new EventEmitter(), { includeResponse: true }) };
}

/** A session that outlives any test, and frees its keys at once. */
export async function newSession(client: Client, options: object = {}): Promise<string> {
  const { ID } = await client.session.create({ ttl: '60s', lockdelay: '0s', ...options });
  return ID;
}

/** What the promise rejects with, in the parts that tell errors apart. */
export async function failureOf(promise: Promise<unknown>): Promise<Record<string, any>> {
  const error = await promise.then(
    (value) => new Error(`fulfilled with ${JSON.stringify(value)}`),
    (reason: unknown) => reason as Error,
  );
  const { message, response, ...marks } = error as Error & { response?: Record<string, any> };
  return {
    ...marks,
    message,
    ...(response && { status: response['statusCode'], body: response['body'] }),
  };
}

export function kv(Verb: string, Key: string, fields: object = {}): object {
  return { KV: { Verb, Key, ...fields } };
}

export function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
