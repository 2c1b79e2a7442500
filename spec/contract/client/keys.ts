import { describe, expect, it } from '@jest/globals';
import { failureOf, uniqueKey, withResponse, type ClientHarness } from './harness.ts';

export function describeKeys(harness: ClientHarness): void {
  describe('a key', () => {
    it('is read back as it was written', async () => {
      const { kv } = harness.client();
      const key = uniqueKey();
      expect(await kv.set(key, 'välue')).toBe(true);
      const entry = await kv.get(key);
      expect(entry).toEqual({
        LockIndex: 0,
        Key: key,
        Flags: 0,
        Value: 'välue',
        CreateIndex: entry.ModifyIndex,
        ModifyIndex: expect.any(Number),
      });
    });

    it('takes an object for its options, and flags', async () => {
      const { kv } = harness.client();
      const key = uniqueKey();
      await kv.set({ key, value: Buffer.from('v'), flags: 7 });
      await kv.set(`${key}/3`, 'v', { flags: '8' });
      expect(await kv.get({ key })).toMatchObject({ Flags: 7, Value: 'v' });
      expect(await kv.get({ key: `${key}/3` })).toMatchObject({ Flags: 8 });
    });

    it('is read as bytes when asked for', async () => {
      const { kv } = harness.client();
      const key = uniqueKey();
      await kv.set(key, Buffer.from([0xff, 0x00]));
      expect((await kv.get({ key, buffer: true })).Value).toEqual(Buffer.from([0xff, 0x00]));
      expect(await kv.get({ key, raw: true })).toEqual(Buffer.from([0xff, 0x00]));
    });

    it('has null for an empty value', async () => {
      const { kv } = harness.client();
      const key = uniqueKey();
      await kv.set(key, '');
      expect(await kv.get(key)).toMatchObject({ Value: null });
    });

    it('reports its own ModifyIndex as the index', async () => {
      const { kv } = harness.client();
      const key = uniqueKey();
      await kv.set(key, 'v');
      const [response, entry] = await kv.get({ key, ...withResponse() });
      expect(response.statusCode).toBe(200);
      expect(response.headers['x-consul-index']).toBe(String(entry.ModifyIndex));
    });

    it('that is missing is undefined, or a response alone with the index of all keys', async () => {
      const { kv } = harness.client();
      const key = uniqueKey();
      await kv.set(key, 'v');
      const { ModifyIndex } = await kv.get(key);
      expect(await kv.get(`${key}/missing`)).toBeUndefined();
      const [response, ...rest] = await kv.get({ key: `${key}/missing`, ...withResponse() });
      expect(response.statusCode).toBe(404);
      expect(Number(response.headers['x-consul-index'])).toBeGreaterThanOrEqual(ModifyIndex);
      expect(rest).toEqual([]);
    });

    it('keeps its index when written with what it has', async () => {
      const { kv } = harness.client();
      const key = uniqueKey();
      await kv.set(key, 'v');
      const before = await kv.get(key);
      expect(await kv.set(key, 'v')).toBe(true);
      expect(await kv.get(key)).toEqual(before);
    });

    it('keeps its CreateIndex when written anew, and its ModifyIndex grows', async () => {
      const { kv } = harness.client();
      const key = uniqueKey();
      await kv.set(key, 'v');
      const before = await kv.get(key);
      await kv.set(key, 'w');
      const after = await kv.get(key);
      expect(after.CreateIndex).toBe(before.CreateIndex);
      expect(after.ModifyIndex).toBeGreaterThan(before.ModifyIndex);
    });

    it('is written with cas only at the index that it has', async () => {
      const { kv } = harness.client();
      const key = uniqueKey();
      expect(await kv.set({ key, value: 'v', cas: 1 })).toBeUndefined();
      expect(await kv.set({ key, value: 'v', cas: 0 })).toBe(true);
      expect(await kv.set({ key, value: 'w', cas: 0 })).toBeUndefined();
      const { ModifyIndex } = await kv.get(key);
      expect(await kv.set({ key, value: 'w', cas: ModifyIndex })).toBe(true);
    });

    it('answers a refused write with false only beside the response', async () => {
      const { kv } = harness.client();
      const [response, body] = await kv.set({ key: uniqueKey(), value: 'v', cas: 1, ...withResponse() });
      expect(response.statusCode).toBe(200);
      expect(body).toBe(false);
    });

    it('is gone once deleted, and deleting it again is fine', async () => {
      const { kv } = harness.client();
      const key = uniqueKey();
      await kv.set(key, 'v');
      expect(await kv.del(key)).toBe(true);
      expect(await kv.get(key)).toBeUndefined();
      expect(await kv.delete({ key })).toBe(true);
    });

    it('is deleted with cas only at the index that it has, or when missing', async () => {
      const { kv } = harness.client();
      const key = uniqueKey();
      expect(await kv.del({ key, cas: 5 })).toBe(true);
      await kv.set(key, 'v');
      expect(await kv.del({ key, cas: 1 })).toBeUndefined();
      const { ModifyIndex } = await kv.get(key);
      expect(await kv.del({ key, cas: ModifyIndex })).toBe(true);
    });

    it('is read, named and deleted with those below it', async () => {
      const { kv } = harness.client();
      const key = uniqueKey();
      for (const name of ['b', 'a', 'd/1', 'd/2']) await kv.set(`${key}/${name}`, name);
      const entries = await kv.get({ key: `${key}/`, recurse: true });
      expect(entries.map(({ Value }: { Value: string }) => Value)).toEqual(['a', 'b', 'd/1', 'd/2']);
      const names = ['a', 'b', 'd/1', 'd/2'].map((name) => `${key}/${name}`);
      expect(await kv.keys(`${key}/`)).toEqual(names);
      const top = ['a', 'b', 'd/'].map((name) => `${key}/${name}`);
      expect(await kv.keys({ key: `${key}/`, separator: '/' })).toEqual(top);
      expect(await kv.del({ key: `${key}/`, recurse: true })).toBe(true);
      expect(await kv.get({ key: `${key}/`, recurse: true })).toBeUndefined();
    });

    it('has an index for its folder that grows by a deletion within', async () => {
      const { kv } = harness.client();
      const key = uniqueKey();
      await kv.set(`${key}/a`, 'v');
      await kv.set(`${key}/b`, 'v');
      const [before, [, last]] = await kv.get({ key: `${key}/`, recurse: true, ...withResponse() });
      expect(before.headers['x-consul-index']).toBe(String(last.ModifyIndex));
      await kv.del(`${key}/b`);
      const [after] = await kv.get({ key: `${key}/`, recurse: true, ...withResponse() });
      expect(Number(after.headers['x-consul-index'])).toBeGreaterThan(last.ModifyIndex);
    });

    it('cannot be named below a prefix that has none', async () => {
      const failure = await failureOf(harness.client().kv.keys(uniqueKey()));
      expect(failure).toMatchObject({ isResponse: true, status: 404, message: 'not found' });
    });

    it.each([
      ['key', {}, 'key required'],
      ['value', { key: 'contract/k' }, 'value required'],
    ])('cannot be written without a %s', async (_what, options, rule) => {
      const failure = await failureOf(harness.client().kv.set(options));
      expect(failure).toMatchObject({
        isConsul: true,
        isValidation: true,
        message: `consul: kv.set: ${rule}`,
      });
    });

    it('cannot be read or deleted without a name', async () => {
      const { kv } = harness.client();
      const read = await failureOf(kv.get({}));
      expect(read).toMatchObject({ status: 400, message: 'consul: kv.get: Missing key name' });
      expect(await failureOf(kv.del({}))).toMatchObject({ status: 400, message: 'Missing key name' });
    });

    it.each(['a//b', '../a', 'a/../b', 'a/.'])('is not reached by a path like %s', async (path) => {
      const failure = await failureOf(harness.client().kv.set(`contract/${path}`, 'v'));
      expect(failure['status']).toBe(301);
    });

    it('cannot have flags that are no number', async () => {
      const failure = await failureOf(harness.client().kv.set({ key: uniqueKey(), value: 'v', flags: -1 }));
      expect(failure).toMatchObject({
        status: 500,
        body: expect.stringContaining('parsing "-1": invalid syntax'),
      });
    });

    it('cannot have a value of more than 512 KiB', async () => {
      const { kv } = harness.client();
      const key = uniqueKey();
      expect(await failureOf(kv.set(key, Buffer.alloc(524_289)))).toMatchObject({
        status: 413,
        message: 'payload too large',
      });
      expect(await kv.set(key, Buffer.alloc(524_288))).toBe(true);
      await kv.del(key);
    });
  });
}
