import { describe, expect, it } from '@jest/globals';
import { newSession, uniqueKey, type ClientHarness } from './harness.ts';

/** Between a TTL and the end of it that Consul really makes, which is twice as far. */
const TTL_MS = 300;
const options = { ttl: `${TTL_MS}ms` };

export function describeExpiry(harness: ClientHarness): void {
  (harness.shortTtls ? describe : describe.skip)('the TTL of a session', () => {
    it('ends it, after twice its time', async () => {
      const { session } = harness.client();
      const ID = await newSession(harness.client(), options);
      await harness.advance(1.5 * TTL_MS);
      expect(await session.info(ID)).toMatchObject({ ID });
      await harness.advance(TTL_MS);
      expect(await session.info(ID)).toBeUndefined();
    });

    it('starts anew with a renewal, also past its first half', async () => {
      const { session } = harness.client();
      const ID = await newSession(harness.client(), options);
      await harness.advance(1.5 * TTL_MS);
      await session.renew(ID);
      await harness.advance(1.5 * TTL_MS);
      expect(await session.info(ID)).toMatchObject({ ID });
      await harness.advance(TTL_MS);
      expect(await session.info(ID)).toBeUndefined();
    });

    it('does not start anew when its key is locked again', async () => {
      const { kv, session } = harness.client();
      const key = uniqueKey();
      const ID = await newSession(harness.client(), options);
      await kv.set({ key, value: 'v', acquire: ID });
      await harness.advance(1.5 * TTL_MS);
      expect(await kv.set({ key, value: 'v', acquire: ID })).toBe(true);
      await harness.advance(TTL_MS);
      expect(await session.info(ID)).toBeUndefined();
    });

    it('releases its keys at its end, with their values left', async () => {
      const { kv } = harness.client();
      const key = uniqueKey();
      const ID = await newSession(harness.client(), options);
      await kv.set({ key, value: 'v', acquire: ID });
      await harness.advance(2.5 * TTL_MS);
      const entry = await kv.get(key);
      expect(entry).toMatchObject({ Value: 'v', LockIndex: 1 });
      expect(entry).not.toHaveProperty('Session');
    });

    it('deletes its keys at its end, with behavior delete', async () => {
      const { kv } = harness.client();
      const key = uniqueKey();
      const ID = await newSession(harness.client(), { ...options, behavior: 'delete' });
      await kv.set({ key, value: 'v', acquire: ID });
      await harness.advance(2.5 * TTL_MS);
      expect(await kv.get(key)).toBeUndefined();
    });

    it('starts the lock delay at its end', async () => {
      const { kv } = harness.client();
      const key = uniqueKey();
      const ID = await newSession(harness.client(), { ...options, behavior: 'delete', lockdelay: '1s' });
      await kv.set({ key, value: 'v', acquire: ID });
      await harness.advance(2.5 * TTL_MS);
      const next = await newSession(harness.client());
      expect(await kv.set({ key, value: 'v', acquire: next })).toBeUndefined();
      await harness.advance(1_100);
      expect(await kv.set({ key, value: 'v', acquire: next })).toBe(true);
    });

    it('ends a blocking query on its key', async () => {
      const { kv } = harness.client();
      const key = uniqueKey();
      const ID = await newSession(harness.client(), { ...options, behavior: 'delete' });
      await kv.set({ key, value: 'v', acquire: ID });
      const { ModifyIndex } = await kv.get(key);
      const waiting = kv.get({ key, index: ModifyIndex, wait: '30s' });
      await harness.advance(2.5 * TTL_MS);
      expect(await waiting).toBeUndefined();
    });
  });
}
