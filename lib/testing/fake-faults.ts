/** The requests that can be made to fail. `kv.get` includes `recurse`. */
export type FakeOperation =
  'session.create' | 'session.renew' | 'session.destroy' | 'session.info' | 'kv.get' | 'transaction';

const OPERATIONS: ReadonlySet<string> = new Set<FakeOperation>([
  'session.create',
  'session.renew',
  'session.destroy',
  'session.info',
  'kv.get',
  'transaction',
]);

/** What befalls one request. */
export type Fault = { readonly kind: 'refused'; readonly error: unknown } | { readonly kind: 'answer-lost' };

/** The faults to come, each for one request, in the order in which they were asked for. */
export class FakeFaults {
  private readonly waiting = new Map<string, Fault[]>();

  add(operation: FakeOperation, fault: Fault): void {
    if (!OPERATIONS.has(operation)) {
      throw new TypeError(
        `operation must be one of ${[...OPERATIONS].join(', ')}; got ${JSON.stringify(operation) ?? 'undefined'}`,
      );
    }
    this.waiting.set(operation, [...(this.waiting.get(operation) ?? []), fault]);
  }

  take(operation: string): Fault | undefined {
    return this.waiting.get(operation)?.shift();
  }
}
