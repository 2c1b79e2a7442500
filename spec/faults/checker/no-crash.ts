import type { Fact, Failure, HandleCall } from '../history/facts.ts';
import { factsOf, type HandleRecord } from './handles.ts';
import type { Violation } from './violation.ts';

/** What acquisitions and calls may reject with under faults; the last is the reason of a cancellation. */
const KNOWN_CODES = [
  'LOCK_NOT_ACQUIRED',
  'LOCK_LOST',
  'LOCK_NOT_HELD',
  'LOCK_SHUTDOWN',
  'CONSUL_UNAVAILABLE',
  'FULFILLED',
  'TimeoutError',
];

const DELAYED_SET = /\(set\): failed to lock key .* due to lock delay/;

/** Rule e: no process ends by itself, nothing is left unhandled, and every failure is one of the contract. */
export function noCrash(facts: readonly Fact[], handles: readonly HandleRecord[]): Violation[] {
  const byId = new Map(handles.map((handle) => [handle.id, handle]));
  return [
    ...factsOf(facts, 'unhandled').map(({ at, process, what }): Violation => ({
      rule: 'e',
      at,
      what: `${process}: ${what}`,
    })),
    ...factsOf(facts, 'exited')
      .filter(({ asked }) => !asked)
      .map(({ at, process, how }): Violation => ({ rule: 'e', at, what: `${process} ended with ${how}` })),
    ...factsOf(facts, 'rejected')
      .filter(({ id, code }) => !isKnown(code, byId.get(id)))
      .map(({ at, id, code, message }): Violation => ({ rule: 'e', at, what: `${id}: ${code}: ${message}` })),
    ...handles.flatMap(({ id, calls }) =>
      calls.flatMap(({ ended, answer, call }): Violation[] =>
        answer?.code === undefined || isKnown(answer.code) || isDelayCountedAnew(call, answer)
          ? []
          : [{ rule: 'e', at: ended!, what: `${call} of ${id}: ${answer.code}: ${answer.message}` }],
      ),
    ),
  ];
}

/** A server that comes back counts the lock delays of its log anew, also for a key that has been taken since. */
function isDelayCountedAnew(call: HandleCall, { code, message }: Failure): boolean {
  return call === 'transaction' && code === 'CONSUL_REJECTED' && DELAYED_SET.test(message);
}

function isKnown(code: string, handle?: HandleRecord): boolean {
  // A session of the user's own may be gone: nobody but the user can make a new one.
  return KNOWN_CODES.includes(code) || (code === 'CONSUL_REJECTED' && handle?.adopted === true);
}
