import { describe, expect, it } from '@jest/globals';
import {
  failureOf,
  newSession,
  uniqueKey,
  withResponse,
  type Client,
  type ClientHarness,
} from './harness.ts';

export function describeBlockingQueries(harness: ClientHarness): void {
  describe('a blocking query', () => {
    /** Starts one that is not behind, and tells whether it has ended. */
    async function block(
      client: Client,
      key: string,
      wait = '30s',
    ): Promise<{ result: Promise<any>; ended: () => boolean }> {
      const [response] = await client.kv.get({ key, ...withResponse() });
      const index = response.headers['x-consul-index'];
      let hasEnded = false;
      const result = client.kv.get({ key, index, wait, ...withResponse() });
      const end = (): void => void (hasEnded = true);
      result.then(end, end);
      await harness.advance(100);
      return { result, ended: () => hasEnded };
    }

    it('ends when its key is written, with a larger index', async () => {
      const client = harness.client();
      const key = uniqueKey();
      await client.kv.set(key, '1');
      const before = await client.kv.get(key);
      const { result, ended } = await block(client, key);
      expect(ended()).toBe(false);
      await client.kv.set(key, '2');
      const [response, entry] = await result;
      expect(entry.Value).toBe('2');
      expect(Number(response.headers['x-consul-index'])).toBeGreaterThan(before.ModifyIndex);
    });

    it('ends when its key is deleted, with a larger index', async () => {
      const client = harness.client();
      const key = uniqueKey();
      await client.kv.set(key, '1');
      const before = await client.kv.get(key);
      const { result } = await block(client, key);
      await client.kv.del(key);
      const [response, ...rest] = await result;
      expect([response.statusCode, rest]).toEqual([404, []]);
      expect(Number(response.headers['x-consul-index'])).toBeGreaterThan(before.ModifyIndex);
    });

    it.each(['release', 'delete'])(
      'ends when its key loses its session, with behavior %s',
      async (behavior) => {
        const client = harness.client();
        const key = uniqueKey();
        const session = await newSession(client, { behavior });
        await client.kv.set({ key, value: '1', acquire: session });
        const { result } = await block(client, key);
        await client.session.destroy(session);
        const [response, entry] = await result;
        expect(response.statusCode).toBe(behavior === 'release' ? 200 : 404);
        expect(entry ?? {}).not.toHaveProperty('Session');
      },
    );

    it('ends when its key is taken by a transaction', async () => {
      const client = harness.client();
      const key = uniqueKey();
      await client.kv.set(key, '1');
      const session = await newSession(client);
      const { result } = await block(client, key);
      await client.transaction.create([{ KV: { Verb: 'lock', Key: key, Session: session } }]);
      expect((await result)[1]).toMatchObject({ Session: session });
    });

    it('on a missing key ends when that is created', async () => {
      const client = harness.client();
      const key = uniqueKey();
      const { result } = await block(client, key);
      await client.kv.set(key, '1');
      let [response, entry] = await result;
      // On a shared server, any other write nearby may have ended it before.
      if (entry === undefined) [response, entry] = await client.kv.get({ key, ...withResponse() });
      expect([response.statusCode, entry.Value]).toEqual([200, '1']);
    });

    it('on an existing key does not end by writes to others, or without change', async () => {
      const client = harness.client();
      const key = uniqueKey();
      await client.kv.set(key, '1');
      const { result, ended } = await block(client, key, '2s');
      await client.kv.set(`${key}/below`, '1');
      await client.kv.set(key, '1');
      await client.transaction.create([{ KV: { Verb: 'set', Key: uniqueKey() } }]);
      await harness.advance(200);
      expect(ended()).toBe(false);
      await client.kv.set(key, '2');
      await result;
    });

    it('ends after its wait, with what there is', async () => {
      const client = harness.client();
      const key = uniqueKey();
      await client.kv.set(key, '1');
      const { result, ended } = await block(client, key, '400ms');
      expect(ended()).toBe(false);
      await harness.advance(400);
      expect((await result)[1]).toMatchObject({ Value: '1' });
    });

    it.each([0, 1, '', undefined])('ends at once with the index %p', async (index) => {
      const { kv } = harness.client();
      const key = uniqueKey();
      await kv.set(key, '1');
      expect(await kv.get({ key, index, wait: '30s' })).toMatchObject({ Value: '1' });
    });

    it('with an index from the future sleeps through changes', async () => {
      const { kv } = harness.client();
      const key = uniqueKey();
      await kv.set(key, '1');
      let hasEnded = false;
      const result = kv.get({ key, index: 2 ** 40, wait: '500ms' }).finally(() => (hasEnded = true));
      await harness.advance(100);
      await kv.set(key, '2');
      await harness.advance(100);
      expect(hasEnded).toBe(false);
      await harness.advance(600);
      expect(await result).toMatchObject({ Value: '2' });
    });

    it.each([
      [{ index: 'abc' }, 'Invalid index'],
      [{ index: -1 }, 'Invalid index'],
      [{ index: 1, wait: 'xyz' }, 'Invalid wait time'],
      [{ index: 1, wait: 5 }, 'Invalid wait time'],
    ])('is refused with %p', async (options, reason) => {
      const failure = await failureOf(harness.client().kv.get({ key: uniqueKey(), ...options }));
      expect(failure).toMatchObject({ status: 400, message: `consul: kv.get: ${reason}` });
    });

    it('is given up by its timeout', async () => {
      const { kv } = harness.client();
      const failure = failureOf(kv.get({ key: uniqueKey(), index: 2 ** 40, wait: '30s', timeout: 100 }));
      await harness.advance(150);
      expect(await failure).toEqual({
        isPapi: true,
        isTimeout: true,
        message: 'consul: kv.get: request timed out (100ms)',
      });
    });

    it('is given up by its context', async () => {
      const { kv } = harness.client();
      const { ctx } = withResponse();
      const failure = failureOf(kv.get({ key: uniqueKey(), index: 2 ** 40, wait: '30s', ctx }));
      await harness.advance(50);
      ctx.emit('cancel');
      expect(await failure).toEqual({
        isPapi: true,
        isAbort: true,
        message: 'consul: kv.get: request aborted',
      });
      expect(ctx.listenerCount('cancel')).toBe(0);
    });

    it('on a session ends with it', async () => {
      const { session } = harness.client();
      const id = await newSession(harness.client());
      const { ModifyIndex } = await session.info(id);
      const result = session.info({ id, index: ModifyIndex, wait: '30s' });
      await harness.advance(100);
      await session.destroy(id);
      expect(await result).toBeUndefined();
    });
  });
}
