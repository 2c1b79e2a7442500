import type { Call, FakeWire } from './fake-wire.ts';
import { argumentError } from './client-errors.ts';
import { body, encode, normalize, type CallOptions, type CallResult } from './call-options.ts';
import type { FakeStore } from './fake-store.ts';
import { runTransaction } from './fake-transaction.ts';

/** `transaction` of the `consul` package: the same arguments, answers and errors. */
export interface FakeTransactionCalls {
  /** Commits all of these KV operations or, when one is refused, rejects with a 409 and commits none. */
  create(operations: readonly object[], options?: CallOptions): CallResult;
}

export function transactionCalls(wire: FakeWire, store: FakeStore): FakeTransactionCalls {
  return {
    async create(...given: [operations?: unknown, options?: CallOptions]) {
      const name = 'Transaction.create';
      if (given.length === 0)
        throw argumentError(name, 'a list of operations are required as first arguments');
      const [operations, ...rest] = given;
      const options = normalize(rest[0] ?? {});
      if (!Array.isArray(operations) || operations.length === 0) {
        throw argumentError(name, 'operations must be an array with at least one item');
      }
      const request = encode(name, operations);
      const serve: Call['serve'] = () => runTransaction(store, request);
      return await wire.send({ name, operation: 'transaction', options, serve, shape: body });
    },
  };
}
