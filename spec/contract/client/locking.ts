import { describe, expect, it } from '@jest/globals';
import {
  failureOf,
  kv as op,
  newSession,
  NO_SESSION,
  uniqueKey,
  withResponse,
  type ClientHarness,
} from './harness.ts';

export function describeLocking(harness: ClientHarness): void {
  describe('a lock', () => {
    it('is held by one session at a time', async () => {
      const { kv } = harness.client();
      const key = uniqueKey();
      const [one, other] = [await newSession(harness.client()), await newSession(harness.client())];
      expect(await kv.set({ key, value: '1', acquire: one })).toBe(true);
      expect(await kv.set({ key, value: '2', acquire: other })).toBeUndefined();
      const [, body] = await kv.set({ key, value: '2', acquire: other, ...withResponse() });
      expect(body).toBe(false);
      expect(await kv.get(key)).toMatchObject({ Value: '1', Session: one, LockIndex: 1 });
    });

    it('is taken again by its holder, with the same indexes for the same value', async () => {
      const { kv } = harness.client();
      const key = uniqueKey();
      const session = await newSession(harness.client());
      await kv.set({ key, value: '1', acquire: session });
      const first = await kv.get(key);
      expect(await kv.set({ key, value: '1', acquire: session })).toBe(true);
      expect(await kv.get(key)).toEqual(first);
      expect(await kv.set({ key, value: '2', acquire: session })).toBe(true);
      const { CreateIndex, LockIndex, ModifyIndex } = await kv.get(key);
      expect([CreateIndex, LockIndex]).toEqual([first.CreateIndex, 1]);
      expect(ModifyIndex).toBeGreaterThan(first.ModifyIndex);
    });

    it('survives a plain write, which takes its lock index away', async () => {
      const { kv } = harness.client();
      const key = uniqueKey();
      const session = await newSession(harness.client());
      await kv.set({ key, value: '1', acquire: session });
      await kv.set(key, '1');
      const written = await kv.get(key);
      expect(written).toMatchObject({ Session: session, LockIndex: 0 });
      await kv.set({ key, value: '1', acquire: session });
      expect(await kv.get(key)).toEqual(written);
    });

    it('is released by its holder alone, and the key stays', async () => {
      const { kv } = harness.client();
      const key = uniqueKey();
      const [one, other] = [await newSession(harness.client()), await newSession(harness.client())];
      await kv.set({ key, value: '1', acquire: one });
      expect(await kv.set({ key, value: '2', release: other })).toBeUndefined();
      expect(await kv.set({ key, value: '2', release: one })).toBe(true);
      expect(await kv.set({ key, value: '2', release: one })).toBeUndefined();
      const entry = await kv.get(key);
      expect(entry).toMatchObject({ Value: '2', LockIndex: 1 });
      expect(entry).not.toHaveProperty('Session');
      await kv.set({ key, value: '3', acquire: other });
      expect(await kv.get(key)).toMatchObject({ LockIndex: 2, CreateIndex: entry.CreateIndex });
    });

    it('starts over with a new key', async () => {
      const { kv } = harness.client();
      const key = uniqueKey();
      const session = await newSession(harness.client());
      await kv.set({ key, value: '1', acquire: session });
      const first = await kv.get(key);
      await kv.del(key);
      await kv.set({ key, value: '1', acquire: session });
      const second = await kv.get(key);
      expect(second.LockIndex).toBe(1);
      expect(second.CreateIndex).toBe(second.ModifyIndex);
      expect(second.ModifyIndex).toBeGreaterThan(first.ModifyIndex);
    });

    it.each([
      ['unknown', NO_SESSION, `invalid session "${NO_SESSION}"`],
      ['malformed', 'nope', 'UUID must be 36 characters'],
      ['empty', '', 'missing session'],
      ['undefined', undefined, 'missing session'],
    ])('cannot be taken by a session that is %s', async (_what, acquire, reason) => {
      const failure = await failureOf(harness.client().kv.set({ key: uniqueKey(), value: 'v', acquire }));
      expect(failure).toMatchObject({ status: 500, body: expect.stringContaining(reason) });
    });

    it('cannot be taken and released at once', async () => {
      const options = { key: uniqueKey(), value: 'v', acquire: NO_SESSION, release: NO_SESSION };
      const failure = await failureOf(harness.client().kv.set(options));
      expect(failure).toMatchObject({ status: 400, body: expect.stringContaining('Conflicting flags') });
    });

    it('ends with its session, and the key stays', async () => {
      const { kv, session } = harness.client();
      const key = uniqueKey();
      const ID = await newSession(harness.client());
      await kv.set({ key, value: 'v', acquire: ID });
      await session.destroy(ID);
      const entry = await kv.get(key);
      expect(entry).toMatchObject({ Value: 'v', LockIndex: 1 });
      expect(entry).not.toHaveProperty('Session');
    });

    it('ends with its session, and all of its keys too with behavior delete', async () => {
      const { kv, session } = harness.client();
      const key = uniqueKey();
      const ID = await newSession(harness.client(), { behavior: 'delete' });
      await kv.set({ key: `${key}/a`, value: 'v', acquire: ID });
      await kv.set({ key: `${key}/b`, value: 'v', acquire: ID });
      await session.destroy(ID);
      expect(await kv.get({ key, recurse: true })).toBeUndefined();
    });

    it.each(['release', 'delete'])('is followed by a lock delay, with behavior %s', async (behavior) => {
      const { kv, session, transaction } = harness.client();
      const key = uniqueKey();
      const ID = await newSession(harness.client(), { behavior, lockdelay: '1s' });
      const next = await newSession(harness.client());
      await kv.set({ key, value: 'v', acquire: ID });
      await session.destroy(ID);
      expect(await kv.set({ key, value: 'v', acquire: next })).toBeUndefined();
      expect(await failureOf(transaction.create([op('lock', key, { Session: next })]))).toMatchObject({
        status: 409,
        body: { Errors: [{ OpIndex: 0, What: `failed to lock key "${key}" due to lock delay` }] },
      });
      expect(await kv.set(key, 'plain')).toBe(true);
      await harness.advance(1_100);
      expect(await kv.set({ key, value: 'v', acquire: next })).toBe(true);
    });

    it('is followed by no lock delay after a release or a deletion', async () => {
      const { kv } = harness.client();
      const key = uniqueKey();
      const one = await newSession(harness.client(), { lockdelay: '15s' });
      const other = await newSession(harness.client(), { lockdelay: '15s' });
      await kv.set({ key, value: 'v', acquire: one });
      await kv.set({ key, value: 'v', release: one });
      expect(await kv.set({ key, value: 'v', acquire: other })).toBe(true);
      await kv.del(key);
      expect(await kv.set({ key, value: 'v', acquire: one })).toBe(true);
    });
  });
}
