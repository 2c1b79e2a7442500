import { expect } from '@jest/globals';
import { failureOf } from './failure-of.ts';
import type { SilentClient } from './silent-client.ts';

/** What a message about a wrong argument has to tell. */
export interface Refused {
  readonly error: typeof TypeError | typeof RangeError;
  /** The message begins with it. */
  readonly option: string;
  readonly rule: string;
  /** How the value stands in the message: after "; got ". */
  readonly got: string;
}

/** How `act` is refused, and what it sent before. */
export async function refusalOf(act: () => unknown, client: SilentClient): Promise<object> {
  const failure = await failureOf(act);
  return { error: failure.constructor, message: failure.message, sent: client.sent };
}

/** To compare with what `refusalOf` gives. */
export function refused({ error, option, rule, got }: Refused): object {
  const message = new RegExp(`^${quoted(option)}: [^]*${quoted(rule)}[^]*; got .*${quoted(got)}`);
  return { error, message: expect.stringMatching(message), sent: [] };
}

function quoted(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
