import { types } from 'node:util';

/**
 * Jest runs specs in a context with an `Error` of its own, and Node's errors of the network are no instances of that. The
 * client under test would take a refused connection for an empty answer.
 */
Object.defineProperty(Error, Symbol.hasInstance, {
  value(this: unknown, value: unknown): boolean {
    const isInstance = Function.prototype[Symbol.hasInstance].call(this as () => void, value);
    return isInstance || (this === Error && types.isNativeError(value));
  },
});
