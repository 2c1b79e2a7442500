import { stringify } from 'node:querystring';
import { codecError, type FakeResponse } from './client-errors.ts';

/** Options as the `consul` package takes them, in any of its spellings. */
export type CallOptions = object;

/** What a call resolves to depends on its options: `ctx.includeResponse` turns it into a pair. */
export type CallResult = Promise<any>;

export type Options = Record<string, unknown>;

/** `lockDelay`, `LockDelay` and `lock_delay` are all `lockdelay` to the client. */
export function normalize(given: CallOptions | string | null | undefined, shorthand = ''): Options {
  if (typeof given === 'string') return { [shorthand]: given };
  return Object.fromEntries(
    Object.entries(given ?? {}).map(([name, value]) => [name.replaceAll('_', '').toLowerCase(), value]),
  );
}

/** The query string that the client makes of its options, parsed again; `values` count as soon as they are there. */
export function parameters(
  options: Options,
  { flags = [], values = [] }: { flags?: readonly string[]; values?: readonly string[] } = {},
): Record<string, string> {
  const query: Options = {};
  for (const name of flags) if (options[name]) query[name] = 'true';
  for (const name of [...values, 'index', 'wait'])
    if (Object.hasOwn(options, name)) query[name] = options[name];
  if (options['dc']) query['dc'] = options['dc'];
  if (options['consistent']) query['consistent'] = '1';
  else if (options['stale']) query['stale'] = '1';
  return Object.fromEntries(new URLSearchParams(stringify(query as Record<string, string>)));
}

export function encode(name: string, value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    throw codecError(name, 'application/json', error);
  }
}

/** The result is the whole body. */
export function body(response: FakeResponse): { value: unknown } {
  return { value: response.body };
}

/** As it would stand in a URL. */
export function textOf(value: unknown): string {
  return `${value as string}`;
}
