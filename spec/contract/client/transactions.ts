import { describe, expect, it } from '@jest/globals';
import {
  base64,
  failureOf,
  kv as op,
  newSession,
  NO_SESSION,
  uniqueKey,
  withResponse,
  type ClientHarness,
} from './harness.ts';

export function describeTransactions(harness: ClientHarness): void {
  describe('a transaction', () => {
    it('that takes a lock tells the indexes of the key, without its value', async () => {
      const { kv, transaction } = harness.client();
      const key = uniqueKey();
      const session = await newSession(harness.client());
      const answer = await transaction.create([
        op('lock', key, { Value: base64('v'), Flags: 7, Session: session }),
      ]);
      const entry = await kv.get(key);
      expect(entry).toMatchObject({ Value: 'v', Session: session, LockIndex: 1, Flags: 7 });
      expect(answer).toEqual({ Results: [{ KV: { ...entry, Value: null } }], Errors: null });
    });

    it('that takes a lock again gives the same index', async () => {
      const { transaction } = harness.client();
      const key = uniqueKey();
      const session = await newSession(harness.client());
      const lock = [op('lock', key, { Value: base64('v'), Session: session })];
      const first = await transaction.create(lock);
      expect(await transaction.create(lock)).toEqual(first);
    });

    it('reads fields in lower case', async () => {
      const { kv, transaction } = harness.client();
      const key = uniqueKey();
      await transaction.create([{ kv: { verb: 'set', key, value: base64('v'), flags: 3 } }]);
      expect(await kv.get(key)).toMatchObject({ Value: 'v', Flags: 3 });
    });

    it('gives rows for what it wrote or checked, none for deletions and absences', async () => {
      const { transaction } = harness.client();
      const key = uniqueKey();
      const session = await newSession(harness.client());
      const verbs = async (...operations: object[]): Promise<(string | null)[]> => {
        const { Results } = await transaction.create(operations);
        return Results.map(({ KV }: { KV: { Key: string; Value: string | null } }) => KV.Value ?? KV.Key);
      };
      const fields = { Value: base64('v'), Session: session };
      expect(await verbs(op('set', key, fields))).toEqual([key]);
      expect(await verbs(op('get', key))).toEqual([base64('v')]);
      expect(await verbs(op('get-tree', key))).toEqual([base64('v')]);
      expect(await verbs(op('get-tree', `${key}/none`))).toEqual([]);
      expect(await verbs(op('lock', key, fields))).toEqual([key]);
      expect(await verbs(op('check-session', key, fields))).toEqual([key]);
      expect(await verbs(op('unlock', key, fields))).toEqual([key]);
      const { Results } = await transaction.create([op('get', key)]);
      const { ModifyIndex: Index } = Results[0].KV;
      expect(await verbs(op('check-index', key, { Index }))).toEqual([key]);
      expect(await verbs(op('cas', key, { ...fields, Index }))).toEqual([key]);
      expect(await verbs(op('delete', key))).toEqual([]);
      expect(await verbs(op('delete-tree', key))).toEqual([]);
      expect(await verbs(op('delete-cas', key, { Index: 5 }))).toEqual([]);
      expect(await verbs(op('check-not-exists', key))).toEqual([]);
      expect(await verbs(op('cas', key, { ...fields, Index: 0 }))).toEqual([key]);
    });

    it('sees within it what it wrote, all under one index', async () => {
      const { transaction } = harness.client();
      const key = uniqueKey();
      const { Results } = await transaction.create([
        op('set', `${key}/a`, { Value: base64('1') }),
        op('get', `${key}/a`),
        op('set', `${key}/b`, { Value: base64('2') }),
        op('delete', `${key}/a`),
        op('check-not-exists', `${key}/a`),
      ]);
      expect(Results.map(({ KV }: any) => KV.Value)).toEqual([null, base64('1'), null]);
      expect(new Set(Results.map(({ KV }: any) => KV.ModifyIndex)).size).toBe(1);
    });

    it('that only reads answers in a longer form', async () => {
      const { transaction } = harness.client();
      const key = uniqueKey();
      const answer = await transaction.create([op('check-not-exists', key)], { consistent: true });
      expect(answer).toMatchObject({ Results: [], Errors: null, KnownLeader: true });
      expect(await transaction.create([op('set', key)])).not.toHaveProperty('KnownLeader');
    });

    it('comes with its response when asked for', async () => {
      const { transaction } = harness.client();
      const [response, body] = await transaction.create([op('set', uniqueKey())], withResponse());
      expect(response).toMatchObject({ statusCode: 200 });
      expect(response.headers).not.toHaveProperty('x-consul-index');
      expect(body.Errors).toBeNull();
    });

    it('fails as a whole, with a conflict that names every refusal', async () => {
      const { kv, transaction } = harness.client();
      const key = uniqueKey();
      await kv.set(key, 'v');
      const failure = await failureOf(
        transaction.create([
          op('set', `${key}/new`),
          op('check-not-exists', key),
          op('frobnicate', key),
          op('get', `${key}/none`),
        ]),
      );
      expect(failure).toEqual({
        isPapi: true,
        isResponse: true,
        message: 'conflict',
        status: 409,
        body: {
          Results: null,
          Errors: [
            { OpIndex: 1, What: `key "${key}" exists` },
            { OpIndex: 2, What: 'unknown KV verb "frobnicate"' },
            { OpIndex: 3, What: `key "${key}/none" doesn't exist` },
          ],
        },
      });
      expect(await kv.get(`${key}/new`)).toBeUndefined();
    });

    it('takes all of its locks or none', async () => {
      const { kv, transaction } = harness.client();
      const key = uniqueKey();
      const [one, other] = [await newSession(harness.client()), await newSession(harness.client())];
      await kv.set({ key: `${key}/b`, value: 'v', acquire: other });
      const locks = ['a', 'b', 'c'].map((name) => op('lock', `${key}/${name}`, { Session: one }));
      expect((await failureOf(transaction.create(locks)))['body'].Errors).toEqual([
        { OpIndex: 1, What: `failed to lock key "${key}/b", lock is already held` },
      ]);
      expect(await kv.keys(`${key}/`)).toEqual([`${key}/b`]);
    });

    it('that is refused takes an index of its own all the same', async () => {
      const { transaction } = harness.client();
      const [held, free] = [uniqueKey(), uniqueKey()];
      const [one, other] = [await newSession(harness.client()), await newSession(harness.client())];
      const indexOf = (answer: unknown): number =>
        (answer as { Results: { KV: { ModifyIndex: number } }[] }).Results[0]!.KV.ModifyIndex;
      const before = indexOf(await transaction.create([op('lock', held, { Session: one })]));
      const inVain = [op('check-not-exists', held), op('lock', held, { Session: other })];
      for (let i = 0; i < 3; i++) await failureOf(transaction.create(inVain));
      const after = indexOf(await transaction.create([op('lock', free, { Session: other })]));
      expect(after).toBeGreaterThanOrEqual(before + 4);
    });

    it('tells the reasons of a lock that it cannot take beside a key that exists', async () => {
      const { kv, transaction } = harness.client();
      const key = uniqueKey();
      const [one, other] = [await newSession(harness.client()), await newSession(harness.client())];
      const take = async (Session: string): Promise<string[]> => {
        const { body } = await failureOf(
          transaction.create([op('check-not-exists', key), op('lock', key, { Session })]),
        );
        return body.Errors.map(({ What }: { What: string }) => What);
      };
      await kv.set({ key, value: 'v', acquire: one });
      expect(await take(other)).toEqual([
        `key "${key}" exists`,
        `failed to lock key "${key}", lock is already held`,
      ]);
      expect(await take(one)).toEqual([`key "${key}" exists`]);
      expect((await take(NO_SESSION))[1]).toContain(`invalid session "${NO_SESSION}"`);
      await kv.set({ key, value: 'v', release: one });
      expect(await take(other)).toEqual([`key "${key}" exists`]);
    });

    it('tells only the lock delay, where there is one', async () => {
      const { kv, session, transaction } = harness.client();
      const key = uniqueKey();
      const ID = await newSession(harness.client(), { lockdelay: '5s' });
      await kv.set({ key, value: 'v', acquire: ID });
      await session.destroy(ID);
      const { body } = await failureOf(
        transaction.create([op('check-not-exists', key), op('lock', key, { Session: NO_SESSION })]),
      );
      expect(body.Errors).toEqual([{ OpIndex: 1, What: `failed to lock key "${key}" due to lock delay` }]);
    });

    it('checks who holds a key', async () => {
      const { kv, transaction } = harness.client();
      const key = uniqueKey();
      const [one, other] = [await newSession(harness.client()), await newSession(harness.client())];
      const reasonFor = async (Key: string, Session: string): Promise<string> => {
        const { body } = await failureOf(transaction.create([op('check-session', Key, { Session })]));
        return body.Errors[0].What;
      };
      await kv.set({ key, value: 'v', acquire: one });
      await transaction.create([op('check-session', key, { Session: one })]);
      expect(await reasonFor(key, other)).toBe(
        `failed session check for key "${key}", current session "${one}" != "${other}"`,
      );
      expect(await reasonFor(`${key}/none`, one)).toBe(
        `failed to check session, key "${key}/none" doesn't exist`,
      );
    });

    it('checks the index of a key', async () => {
      const { kv, transaction } = harness.client();
      const key = uniqueKey();
      await kv.set(key, 'v');
      const { ModifyIndex } = await kv.get(key);
      const reasonFor = async (Key: string): Promise<string> => {
        const { body } = await failureOf(transaction.create([op('check-index', Key, { Index: 1 })]));
        return body.Errors[0].What;
      };
      await transaction.create([op('check-index', key, { Index: ModifyIndex })]);
      expect(await reasonFor(key)).toBe(
        `failed index check for key "${key}", current modify index ${ModifyIndex} != 1`,
      );
      expect(await reasonFor(`${key}/none`)).toBe(`failed to check index, key "${key}/none" doesn't exist`);
    });

    it.each([
      [
        'unlock',
        { Session: NO_SESSION },
        `failed to unlock key "K", lock isn't held, or is held by another session`,
      ],
      ['unlock', {}, 'missing session'],
      ['lock', {}, 'missing session'],
      ['lock', { Session: 'nope' }, 'failed session lookup: index error: UUID must be 36 characters'],
      ['cas', { Index: 0 }, 'failed to set key "K", index is stale'],
      ['cas', { Index: 1 }, 'failed to set key "K", index is stale'],
      ['delete-cas', { Index: 1 }, 'failed to delete key "K", index is stale'],
    ])('refuses %s with %p: %s', async (verb, fields, reason) => {
      const { kv, transaction } = harness.client();
      const key = uniqueKey();
      await kv.set(key, 'v');
      const { status, body } = await failureOf(transaction.create([op(verb, key, fields)]));
      expect(status).toBe(409);
      expect(body.Errors).toEqual([{ OpIndex: 0, What: reason.replace('K', key) }]);
    });

    it('releases a lock, with the value given', async () => {
      const { kv, transaction } = harness.client();
      const key = uniqueKey();
      const session = await newSession(harness.client());
      await kv.set({ key, value: 'v', acquire: session });
      await transaction.create([op('unlock', key, { Session: session })]);
      const entry = await kv.get(key);
      expect(entry).toMatchObject({ Value: null, LockIndex: 1 });
      expect(entry).not.toHaveProperty('Session');
    });

    it('writes plainly like a plain write: the session stays, the lock index goes', async () => {
      const { kv, transaction } = harness.client();
      const key = uniqueKey();
      const session = await newSession(harness.client());
      await kv.set({ key, value: 'v', acquire: session });
      await transaction.create([op('set', key, { Value: base64('v'), Session: NO_SESSION })]);
      expect(await kv.get(key)).toMatchObject({ Session: session, LockIndex: 0 });
    });

    it('writes with cas like a plain write, and names the session that keeps the key', async () => {
      const { kv, transaction } = harness.client();
      const key = uniqueKey();
      const session = await newSession(harness.client());
      const taken = await transaction.create([op('lock', key, { Value: base64('v'), Session: session })]);
      const { ModifyIndex: Index, CreateIndex } = taken.Results[0].KV;
      const { Results } = await transaction.create([op('cas', key, { Value: base64('w'), Flags: 7, Index })]);
      const { ModifyIndex } = Results[0].KV;
      expect(ModifyIndex).toBeGreaterThan(Index);
      const row = { Session: session, Flags: 7, LockIndex: 0, CreateIndex, ModifyIndex };
      expect(Results).toEqual([{ KV: { ...row, Key: key, Value: null } }]);
      expect(await kv.get(key)).toMatchObject({ ...row, Value: 'w' });
      await transaction.create([op('lock', key, { Value: base64('x'), Session: session })]);
      expect(await kv.get(key)).toMatchObject({ Session: session, LockIndex: 0, CreateIndex });
    });

    it('holds no key without a name', async () => {
      const { body } = await failureOf(harness.client().transaction.create([op('set', '')]));
      expect(body.Errors).toEqual([{ OpIndex: 0, What: 'Must provide key' }]);
    });

    it('holds at most 64 operations', async () => {
      const { transaction } = harness.client();
      const key = uniqueKey();
      const checks = Array.from({ length: 65 }, () => op('check-not-exists', key));
      expect(await failureOf(transaction.create(checks))).toMatchObject({
        status: 413,
        body: 'Transaction contains too many operations (65 > 64)',
      });
      expect((await transaction.create(checks.slice(1))).Errors).toBeNull();
    });

    it('is at most 512 KiB long as it is sent', async () => {
      const operation = op('set', uniqueKey(), { Value: Buffer.alloc(400_000).toString('base64') });
      const failure = await failureOf(harness.client().transaction.create([operation]));
      expect(failure).toMatchObject({ status: 413, message: 'payload too large' });
    });

    it.each([
      [op('set', 'k', { Value: '!!' }), 'illegal base64 data'],
      [op('set', 'k', { Flags: '5' }), 'cannot unmarshal string'],
      [op('set', 'k', { Nope: 1 }), 'unknown field "Nope"'],
      [{ Verb: 'get', Key: 'k' }, 'unknown field "Verb"'],
    ])('cannot be parsed with %j', async (operation, reason) => {
      const failure = await failureOf(harness.client().transaction.create([operation]));
      expect(failure).toMatchObject({ status: 400, body: expect.stringContaining(reason) });
    });

    it.each([[[]], [{ operations: [] }]])('needs operations, and not %j', async (given) => {
      expect(await failureOf(harness.client().transaction.create(given))).toEqual({
        isConsul: true,
        isValidation: true,
        message: 'consul: Transaction.create: operations must be an array with at least one item',
      });
    });
  });
}
