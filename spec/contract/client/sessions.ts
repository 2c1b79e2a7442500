import { describe, expect, it } from '@jest/globals';
import { failureOf, newSession, NO_SESSION, withResponse, type ClientHarness } from './harness.ts';

export function describeSessions(harness: ClientHarness): void {
  describe('a session', () => {
    it('is created with an id alone for an answer', async () => {
      expect(await harness.client().session.create({ ttl: '60s' })).toEqual({ ID: expect.any(String) });
    });

    it('has defaults: no TTL, behavior release, a lock delay of 15 s, the check of its node', async () => {
      const { session } = harness.client();
      const { ID } = await session.create();
      expect(await session.info(ID)).toEqual({
        ID,
        Name: '',
        Node: expect.any(String),
        LockDelay: 15e9,
        Behavior: 'release',
        TTL: '',
        NodeChecks: ['serfHealth'],
        ServiceChecks: null,
        CreateIndex: expect.any(Number),
        ModifyIndex: expect.any(Number),
      });
      await session.destroy(ID);
    });

    it('keeps its TTL as it was written', async () => {
      const { session } = harness.client();
      const ID = await newSession(harness.client(), { ttl: '1m0.5s' });
      expect(await session.info(ID)).toMatchObject({ TTL: '1m0.5s' });
    });

    it('never expires with a TTL of 0s', async () => {
      const { session } = harness.client();
      const ID = await newSession(harness.client(), { ttl: '0s' });
      expect(await session.info(ID)).toMatchObject({ TTL: '0s' });
      await session.destroy(ID);
    });

    it.each(['1ms', '86401s', '-10s'])('cannot have a TTL of %s', async (ttl) => {
      const failure = await failureOf(harness.client().session.create({ ttl }));
      expect(failure).toMatchObject({ isPapi: true, isResponse: true, status: 500 });
      expect(failure['body']).toMatch(/Invalid Session TTL '-?\d+', must be between \[\w+=24h0m0s\]/);
      expect(failure['message']).toBe(failure['body']);
    });

    it.each([
      ['10', 'missing unit in duration'],
      ['abc', 'invalid duration'],
      ['1d', 'unknown unit'],
    ])('cannot have a TTL of %s: %s', async (ttl, reason) => {
      const failure = await failureOf(harness.client().session.create({ ttl }));
      expect(failure).toMatchObject({
        status: 500,
        body: expect.stringContaining(`Session TTL '${ttl}' invalid`),
      });
      expect(failure['body']).toContain(reason);
    });

    it('cannot have a TTL that is a number', async () => {
      expect(await failureOf(harness.client().session.create({ ttl: 10 }))).toMatchObject({ status: 400 });
    });

    it.each(['lockdelay', 'lockDelay', 'LockDelay', 'lock_delay'])(
      'takes its lock delay as %s',
      async (name) => {
        const ID = await newSession(harness.client(), { lockdelay: undefined, [name]: '2s' });
        expect(await harness.client().session.info(ID)).toMatchObject({ LockDelay: 2e9 });
      },
    );

    it.each([
      ['0s', 0],
      ['0', 0],
      ['1500ms', 1.5e9],
      [60, 60e9],
      [15_000, 15_000],
    ])('reads a lock delay of %p as %d ns', async (lockdelay, nanoseconds) => {
      const ID = await newSession(harness.client(), { lockdelay });
      expect(await harness.client().session.info(ID)).toMatchObject({ LockDelay: nanoseconds });
    });

    it('cannot have a lock delay that is no duration', async () => {
      const failure = await failureOf(harness.client().session.create({ lockdelay: 'abc' }));
      expect(failure).toMatchObject({ status: 400, body: expect.stringContaining('invalid duration') });
    });

    it('has the name, behavior and checks that it was given', async () => {
      const ID = await newSession(harness.client(), { name: 'a name', behavior: 'delete', checks: [] });
      const expected = { Name: 'a name', Behavior: 'delete', NodeChecks: [] };
      expect(await harness.client().session.info(ID)).toMatchObject(expected);
    });

    it('cannot have another behavior', async () => {
      const failure = await failureOf(harness.client().session.create({ behavior: 'nope' }));
      expect(failure).toMatchObject({ status: 500, body: `Invalid Behavior setting 'nope'` });
    });

    it('cannot depend on a check that there is not', async () => {
      const failure = await failureOf(harness.client().session.create({ checks: ['nope'] }));
      expect(failure['status']).toBe(500);
      expect(failure['body']).toContain(`Missing check 'nope' registration`);
    });

    it('cannot belong to a node that there is not', async () => {
      const failure = await failureOf(harness.client().session.create({ node: 'no-such-node' }));
      expect(failure).toMatchObject({
        status: 500,
        body: expect.stringContaining('Missing node registration'),
      });
    });

    it('is listed, by its node too', async () => {
      const { session } = harness.client();
      const ID = await newSession(harness.client());
      const row = await session.get({ id: ID });
      expect(await session.list()).toContainEqual(row);
      expect(await session.node(row.Node)).toContainEqual(row);
      expect(await session.node('no-such-node')).toEqual([]);
    });

    it('is told with an index, in a pair with the response when asked for', async () => {
      const ID = await newSession(harness.client());
      const [response, row] = await harness.client().session.info({ id: ID, ...withResponse() });
      expect(response).toMatchObject({ statusCode: 200, headers: { 'content-type': 'application/json' } });
      // That of all sessions: others may have come since.
      expect(Number(response.headers['x-consul-index'])).toBeGreaterThanOrEqual(row.ModifyIndex);
    });

    it('answers a renewal with itself, in a list', async () => {
      const { session } = harness.client();
      const ID = await newSession(harness.client());
      expect(await session.renew(ID)).toEqual([await session.info(ID)]);
    });

    it('is gone once destroyed', async () => {
      const { session } = harness.client();
      const ID = await newSession(harness.client());
      expect(await session.destroy(ID)).toBeUndefined();
      expect(await session.info(ID)).toBeUndefined();
      const failure = await failureOf(session.renew(ID));
      expect(failure).toMatchObject({ isResponse: true, status: 404 });
      expect(failure['body']).toContain(`Session id '${ID}' not found`);
    });

    it('that is unknown is undefined, or a response alone', async () => {
      const { session } = harness.client();
      expect(await session.info(NO_SESSION)).toBeUndefined();
      const result = await session.info({ id: NO_SESSION, ...withResponse() });
      expect(result).toEqual([expect.objectContaining({ statusCode: 200 })]);
    });

    it('that is unknown is destroyed like any other', async () => {
      const { session } = harness.client();
      expect(await session.destroy(NO_SESSION)).toBeUndefined();
      const result = await session.destroy({ id: NO_SESSION, ...withResponse() });
      expect(result).toEqual([expect.objectContaining({ statusCode: 200, body: true })]);
    });

    it.each(['info', 'renew', 'destroy'] as const)('needs an id of 36 characters for %s', async (call) => {
      const failure = await failureOf(harness.client().session[call]('nope'));
      expect(failure['status']).toBe(500);
      expect(failure['body']).toContain('failed session lookup: index error: UUID must be 36 characters');
    });

    it.each(['info', 'renew', 'destroy'] as const)('cannot be meant by %s without an id', async (call) => {
      expect(await failureOf(harness.client().session[call]({}))).toEqual({
        isConsul: true,
        isValidation: true,
        message: `consul: session.${call}: id required`,
      });
    });
  });
}
