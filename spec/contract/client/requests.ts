import { EventEmitter } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { failureOf, newSession, uniqueKey, withResponse, type ClientHarness } from './harness.ts';

export function describeRequests(harness: ClientHarness): void {
  describe('a request', () => {
    it.each([
      ['canceled', { canceled: true }],
      ['finished', { finished: true }],
    ])('is not sent with a context that is %s already', async (state, marks) => {
      const { session } = harness.client();
      const ctx = Object.assign(new EventEmitter(), marks);
      expect(await failureOf(session.create({ ctx }))).toEqual({
        isPapi: true,
        isValidation: true,
        message: `consul: session.create: ctx already ${state}`,
      });
    });

    it('is given up by its context, and leaves no listener there', async () => {
      const { session } = harness.client();
      const { ctx } = withResponse();
      const failure = failureOf(session.list({ ctx }));
      ctx.emit('cancel');
      expect(await failure).toEqual({ isPapi: true, isAbort: true, message: 'request aborted' });
      expect(ctx.listenerCount('cancel')).toBe(0);
    });

    it('leaves no listener at its context when it is answered', async () => {
      const { ctx } = withResponse();
      await harness.client().session.list({ ctx });
      expect(ctx.listenerCount('cancel')).toBe(0);
    });

    it('takes no notice of a context that is no event emitter', async () => {
      const { session } = harness.client();
      const id = await newSession(harness.client());
      expect(await session.info({ id, ctx: { includeResponse: true, canceled: true } })).toMatchObject({
        ID: id,
      });
    });

    it('takes its options as they are at the call', async () => {
      const { kv } = harness.client();
      const options = { key: uniqueKey(), value: 'before' };
      const written = kv.set(options);
      options.value = 'after';
      await written;
      expect(await kv.get(options.key)).toMatchObject({ Value: 'before' });
    });

    it('is never answered before its call returns', async () => {
      let hasAnswer = false;
      const answer = harness
        .client()
        .kv.get(uniqueKey())
        .then(() => (hasAnswer = true));
      expect(hasAnswer).toBe(false);
      await answer;
    });

    it('may go through a proxy of the client', async () => {
      const client = harness.client();
      const through = new Proxy(client, {
        get: (target, name) => new Proxy(Reflect.get(target, name), {}),
      });
      const id = await newSession(through);
      expect(await through.session.info(id)).toMatchObject({ ID: id });
    });
  });
}
