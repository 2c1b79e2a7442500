import { inspect } from 'node:util';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { KvResult } from '../../lib/consul-answer.ts';
import type { ConsulClient } from '../../lib/consul-client.ts';
import { ConsulGate, type KvOperation } from '../../lib/consul-gate.ts';
import { checkedOperations, type GuardedOutcome, writeGuarded } from '../../lib/guarded-write.ts';
import { LockEntry } from '../../lib/lock-entry.ts';
import { base64 } from '../support/fake-scene.ts';
import { failureOf } from '../support/failure-of.ts';
import { refusing } from '../support/hooked-client.ts';

const TOKEN = 'c0ffee00-5ec7-e700-0000-000000000000';
const ID = '11111111-2222-3333-4444-555555555555';

type Transact = (operations: KvOperation[]) => Promise<unknown>;

let transact: jest.Mock<Transact>;
let gate: ConsulGate;
let entries: LockEntry[];

function entry(key: string, token: number): LockEntry {
  const taken = new LockEntry(key, `locks/${key}`, Buffer.from('old'));
  taken.taken({ modifyIndex: token, createIndex: 1 });
  return taken;
}

/** Whether a key with these flags is the lock's first one. */
function isKnownForOurs(flags: number): boolean {
  const found = { value: null, session: ID, lockIndex: 1, createIndex: 1, modifyIndex: 9 };
  return entries[0]!.isOurs({ ...found, key: 'locks/a', flags }, ID);
}

beforeEach(() => {
  transact = jest.fn<Transact>();
  const never = async (): Promise<never> => await new Promise<never>(() => {});
  const client: ConsulClient = {
    session: { create: never, renew: never, destroy: never, info: never },
    kv: { get: never },
    transaction: {
      create: async (...[operations]: unknown[]) => await transact(operations as KvOperation[]),
    },
  };
  gate = new ConsulGate({ client, token: TOKEN, dc: undefined, requestTimeoutMs: 50, keys: ['a', 'b'] });
  entries = [entry('a', 7), entry('b', 8)];
});

const GUARDS = [
  { KV: { Verb: 'check-session', Key: 'locks/a', Session: ID } },
  { KV: { Verb: 'check-index', Key: 'locks/a', Index: 7 } },
  { KV: { Verb: 'check-session', Key: 'locks/b', Session: ID } },
  { KV: { Verb: 'check-index', Key: 'locks/b', Index: 8 } },
];

const set = (Key: string, more: object = {}): KvOperation => ({
  KV: { Verb: 'set', Key, Value: 'bmV3', ...more },
});

const row = (Key: string, ModifyIndex: number, more: object = {}): KvResult => ({
  KV: { Key, Value: null, Flags: 0, LockIndex: 1, CreateIndex: 1, ModifyIndex, ...more },
});

const GUARD_ROWS = [row('locks/a', 7), row('locks/a', 7), row('locks/b', 8), row('locks/b', 8)];

const write = async (operations: KvOperation[]): Promise<GuardedOutcome> =>
  await writeGuarded(gate, ID, entries, operations, {});

describe('writeGuarded', () => {
  it('guards the operations by session and index of every key', async () => {
    transact.mockResolvedValue({ Results: GUARD_ROWS });
    await write([set('x'), { KV: { Verb: 'delete', Key: 'y' } }]);
    expect(transact.mock.calls).toEqual([[[...GUARDS, set('x'), { KV: { Verb: 'delete', Key: 'y' } }]]]);
  });

  it("resolves to the operations' own results", async () => {
    transact.mockResolvedValue({ Results: [...GUARD_ROWS, row('x', 20)] });
    await expect(write([set('x')])).resolves.toEqual({ kind: 'committed', results: [row('x', 20)] });
  });

  it.each([0, 1, 2, 3])('is refused when guard %d is', async (OpIndex) => {
    transact.mockImplementation(refusing({ OpIndex, What: 'failed index check' }, { OpIndex: 4, What: 'x' }));
    await expect(write([set('x')])).resolves.toEqual({ kind: 'refused' });
  });

  it('rejects when its first operation alone is refused, which comes next to the guards', async () => {
    transact.mockImplementation(refusing({ OpIndex: 4, What: 'no' }));
    await expect(write([set('x')])).rejects.toThrow('operations[0] (set): no');
  });

  it('rejects when the lock delay of a key of somebody else refuses an operation', async () => {
    const What = 'failed to lock key "x" due to lock delay';
    transact.mockImplementation(refusing({ OpIndex: 4, What }));
    const lock = { KV: { Verb: 'lock', Key: 'x', Session: ID } };
    await expect(write([lock, set('locks/a')])).rejects.toThrow('operations[0] (lock): failed to lock');
  });

  it('rejects with index and reason of every operation that was refused', async () => {
    const refusals = [
      { OpIndex: 5, What: 'key "y" exists' },
      { OpIndex: 6, What: 'no' },
    ];
    transact.mockImplementation(refusing(...refusals));
    const operations = [set('x'), { KV: { Verb: 'check-not-exists', Key: 'y' } }, set('z')];
    const error = await failureOf(async () => await write(operations));
    expect(error).toMatchObject({
      code: 'CONSUL_REJECTED',
      operation: 'transaction',
      statusCode: 409,
      transient: false,
      keys: ['a', 'b'],
    });
    expect(error.message).toContain(
      'operations[1] (check-not-exists): key "y" exists; operations[2] (set): no',
    );
  });

  it('shows no ACL token and no line break that the server puts into a refusal', async () => {
    transact.mockImplementation(refusing({ OpIndex: 4, What: `no\n${TOKEN}` }));
    const error = await failureOf(async () => await write([set('x')]));
    expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain(TOKEN);
    expect(error.message).not.toContain('\n');
  });

  it.each([
    ['nobody answers', async () => await new Promise<never>(() => {})],
    ['the answer is lost', async () => await Promise.reject(new Error('socket hang up'))],
    ['the answer is a page', async () => '<html>'],
    ['the results are cut', async () => ({ Results: 7 })],
  ])('sends nothing again when %s', async (_, answers) => {
    transact.mockImplementation(answers);
    await expect(write([set('x')])).rejects.toMatchObject({ code: 'CONSUL_UNAVAILABLE' });
    expect(transact).toHaveBeenCalledTimes(1);
  });

  describe("of the lock's own value", () => {
    const sent = (): KvOperation['KV'] => transact.mock.calls[0]![0][4]!.KV;

    it('becomes a lock of the same session, with flags of its own', async () => {
      transact.mockImplementation(async (operations) => {
        expect(isKnownForOurs(operations[4]!.KV.Flags!)).toBe(true);
        return {
          Results: [...GUARD_ROWS, row('locks/a', 21, { Session: ID, Flags: operations[4]!.KV.Flags })],
        };
      });
      await write([set('locks/a')]);
      expect(sent()).toEqual({
        Verb: 'lock',
        Key: 'locks/a',
        Value: 'bmV3',
        Session: ID,
        Flags: expect.any(Number),
      });
      expect(sent().Flags).toBeGreaterThan(0);
      expect(Number.isSafeInteger(sent().Flags)).toBe(true);
    });

    it('moves the token of that key alone', async () => {
      transact.mockResolvedValue({ Results: [...GUARD_ROWS, row('locks/a', 21, { Session: ID })] });
      await write([set('locks/a', { Flags: 99 })]);
      expect(entries[0]).toMatchObject({ token: 21, flags: 99, content: base64('new') });
      expect(entries[1]).toMatchObject({ token: 8, content: base64('old') });
    });

    it('counts the last of several rewritings', async () => {
      const rows = [row('locks/a', 21, { Session: ID }), row('locks/a', 22, { Session: ID })];
      transact.mockResolvedValue({ Results: [...GUARD_ROWS, ...rows] });
      await write([set('locks/a', { Flags: 1, Value: 'b25l' }), set('locks/a', { Flags: 2, Value: 'dHdv' })]);
      expect(entries[0]).toMatchObject({ token: 22, flags: 2, content: base64('two') });
    });

    it('is known for ours after an answer that never came', async () => {
      transact.mockRejectedValue(new Error('socket hang up'));
      await failureOf(async () => await write([set('locks/a', { Flags: 99 })]));
      expect(isKnownForOurs(99)).toBe(true);
      expect(entries[0]).toMatchObject({ token: 7, content: base64('old') });
    });

    it('is known for ours after that also when another with the same flags is refused', async () => {
      transact.mockRejectedValueOnce(new Error('socket hang up'));
      await failureOf(async () => await write([set('locks/a', { Flags: 99 })]));
      transact.mockImplementation(refusing({ OpIndex: 0, What: 'no' }));
      await expect(write([set('locks/a', { Flags: 99 })])).resolves.toEqual({ kind: 'refused' });
      expect(isKnownForOurs(99)).toBe(true);
    });

    it.each([
      ['a refusal by a guard', refusing({ OpIndex: 0, What: 'no' })],
      ['a refusal of its own', refusing({ OpIndex: 4, What: 'no' })],
      [
        'a connection that never came about',
        async () => await Promise.reject(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })),
      ],
    ])('leaves nothing behind after %s', async (_, answers) => {
      transact.mockImplementation(answers);
      await write([set('locks/a', { Flags: 99 })]).catch(() => {});
      expect(isKnownForOurs(99)).toBe(false);
      expect(entries[0]).toMatchObject({ token: 7, content: base64('old') });
    });

    it('says which operation a lock delay of its own key has refused, and that this passes', async () => {
      const What = 'failed to lock key "locks/a" due to lock delay';
      transact.mockImplementation(refusing({ OpIndex: 5, What }));
      await expect(write([set('x'), set('locks/a', { Flags: 99 })])).resolves.toMatchObject({
        kind: 'lock-delay',
        error: {
          code: 'CONSUL_REJECTED',
          transient: true,
          message: expect.stringContaining(`operations[1] (set): ${What}`),
        },
      });
      expect(isKnownForOurs(99)).toBe(false);
    });

    it('has it looked into also when another key is refused beside it, for good', async () => {
      const delayed = { OpIndex: 5, What: 'failed to lock key "locks/a" due to lock delay' };
      transact.mockImplementation(refusing({ OpIndex: 4, What: 'no' }, delayed));
      await expect(write([set('x'), set('locks/a')])).resolves.toMatchObject({
        kind: 'lock-delay',
        error: { transient: false },
      });
    });

    it('is in doubt when the committed results do not show it', async () => {
      transact.mockResolvedValue({ Results: GUARD_ROWS });
      await expect(write([set('locks/a', { Flags: 99 })])).rejects.toMatchObject({
        code: 'CONSUL_UNAVAILABLE',
      });
      expect(isKnownForOurs(99)).toBe(true);
      expect(entries[0]!.token).toBe(7);
    });
  });
});

describe('checkedOperations', () => {
  it('gives copies of what it was given', () => {
    const operation = set('x', { Index: 5 });
    const [copy] = checkedOperations([operation], entries);
    expect(copy).toEqual(operation);
    expect(copy!.KV).not.toBe(operation.KV);
  });

  it.each([
    [1, 62],
    [2, 60],
    [16, 32],
  ])('leaves room for the guards: for %d keys, %d operations', (keys, most) => {
    const some = Array.from({ length: keys }, (_, index) => entry(`key-${index}`, 7));
    const operations = Array<KvOperation>(most).fill(set('x'));
    expect(checkedOperations(operations, some)).toHaveLength(most);
    expect(() => checkedOperations([...operations, set('x')], some)).toThrow(
      `operations: must be at most ${most} for a lock of ${keys} key(s); got ${most + 1}`,
    );
  });

  it.each(['set', 'get', 'get-tree', 'check-index', 'check-session'])(
    "allows %s of the lock's own key",
    (Verb) => {
      expect(() => checkedOperations([{ KV: { Verb, Key: 'locks/b' } }], entries)).not.toThrow();
    },
  );

  it.each([
    ['delete-tree', 'locks/b/'],
    ['delete-tree', 'locks/bb'],
    ['delete-tree', 'other'],
    ['delete', 'locks/'],
    ['get-tree', ''],
    ['check-not-exists', 'x'],
    ['unlock', 'locks/c'],
  ])('allows %s of %j, which is not over the lock', (Verb, Key) => {
    expect(() => checkedOperations([{ KV: { Verb, Key } }], entries)).not.toThrow();
  });

  it.each(['', 'YQ==', 'YWI=', 'YWJj', '+/+/'])('takes %j for base64', (Value) => {
    expect(() => checkedOperations([set('x', { Value })], entries)).not.toThrow();
  });

  it.each(['Y', 'YQ', 'YQ=', 'YQ===', '=', 'YWJj\n', ' YQ==', 'Y-_=', 'ä'])(
    'takes no %j for base64',
    (Value) => {
      expect(() => checkedOperations([set('x', { Value })], entries)).toThrow(
        /KV\.Value: must be a string in base64/,
      );
    },
  );

  it('shows no long value', () => {
    const act = (): unknown => checkedOperations([set('x', { Value: '!'.repeat(5_000) })], entries);
    expect(act).toThrow(/^operations\[0\]\.KV\.Value: .{0,300}$/);
  });
});
