import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { Writable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { pino } from 'pino';
import { forceRelease, inspectLock, listLocks, type LockOptions } from '../../lib/index.ts';
import { clientFor } from '../support/client.ts';
import { describeWithOwnAgents, startAgent } from '../support/consul.ts';
import type { ConsulAgent } from '../support/consul-server/consul-agent.ts';
import { failureOf } from '../support/failure-of.ts';
import { FaultProxy } from '../support/proxy.ts';
import { readProjectFile } from '../support/readme-samples.ts';
import { type Scene, Scenes } from '../support/scene.ts';

jest.setTimeout(30_000);

const SESSION_WRITE = 'session_prefix "" { policy = "write" }';
const KEY_WRITE = 'key_prefix "locks/ephemeral/" { policy = "write" }';
const KEY_READ = 'key_prefix "locks/ephemeral/" { policy = "read" }';
const MINIMAL = readProjectFile('examples/operating/policy.hcl');
const READER = readProjectFile('examples/operating/reader.hcl');

const DENIED = { name: 'ConsulRequestError', code: 'CONSUL_DENIED', transient: false };

/** Retried, it would take this long at least. */
const RETRY_MS = 3_000;
const AT_ONCE_MS = 1_000;

describeWithOwnAgents('with ACLs that deny by default', () => {
  const managementToken = randomUUID();
  const scenes = new Scenes();
  let agent: ConsulAgent;
  let proxy: FaultProxy;
  let scene: Scene;
  let written: string;
  let secrets: string[];

  beforeAll(async () => {
    agent = await startAgent({ managementToken });
    proxy = await FaultProxy.start(agent.address);
  });
  afterAll(async () => {
    await scenes.end();
    await proxy.stop();
    await agent.stop();
  });
  beforeEach(() => {
    scene = scenes.open(agent.address, { via: proxy.address, managementToken });
    written = '';
    secrets = [managementToken];
  });
  // Nothing that was logged shows a token, whatever the spec is about.
  afterEach(() => expectSecret(written));

  /** The secret of a new token with these rules, and its accessor. */
  async function newToken(rules: string): Promise<{ secret: string; accessor: string }> {
    const name = randomUUID();
    const put = async (path: string, content: object): Promise<Record<string, string>> => {
      const { text } = await scene.ask(path, { method: 'PUT', body: JSON.stringify(content) });
      return JSON.parse(text) as Record<string, string>;
    };
    await put('/v1/acl/policy', { Name: name, Rules: rules });
    const token = await put('/v1/acl/token', { Policies: [{ Name: name }] });
    secrets.push(token['SecretID']!);
    return { secret: token['SecretID']!, accessor: token['AccessorID']! };
  }

  function options(token: string | undefined): LockOptions {
    const sink = new Writable({
      write(chunk: Buffer, _encoding, done) {
        written += chunk.toString();
        done();
      },
    });
    return {
      ...(token !== undefined && { token }),
      lockTimeoutMs: 10_000,
      retryTimeoutMs: RETRY_MS,
      logger: pino({ level: 'trace' }, sink),
    };
  }

  function expectSecret(text: string): void {
    for (const secret of secrets) expect(text).not.toContain(secret);
  }

  /** That `act` is denied at once, and that nothing of the error shows a token. */
  async function expectDenied(act: () => Promise<unknown>): Promise<void> {
    const [began, before] = [performance.now(), proxy.requests.length];
    const failure = await failureOf(act);
    expect(failure).toMatchObject(DENIED);
    expect(performance.now() - began).toBeLessThan(AT_ONCE_MS);
    // A session, the attempt, and the session's end: nothing of it twice.
    const sent = proxy.requests.slice(before).map(({ method, path }) => `${method} ${path}`);
    expect(new Set(sent).size).toBe(sent.length);
    expectSecret(inspect(failure, { depth: Infinity, showHidden: true }));
    expectSecret(JSON.stringify([failure, failure.cause, failure.message, failure.stack]));
  }

  it('the minimal policy is enough for all that a lock does', async () => {
    const { secret } = await newToken(MINIMAL);
    const given = options(secret);
    const all = { ...scene.plainOptions, ...given, consulClient: scene.client() };
    const lock = scene.lock({ ...given, renew: true, lockDelayMs: 1_000 }, ['key', 'other']);
    await lock.hold(async (handle) => {
      const { signal } = handle;
      await handle.renew();
      expect(await handle.verify()).toBe(true);
      await handle.transaction([
        { KV: { Verb: 'set', Key: handle.fullKey, Value: 'bmV3' } },
        { KV: { Verb: 'set', Key: scene.fullKey('data'), Value: 'bmV3' } },
        { KV: { Verb: 'delete', Key: scene.fullKey('data') } },
      ]);
      expect(await inspectLock(scene.key(), all)).toMatchObject({
        locked: true,
        sessionId: handle.sessionId,
        sessionName: scene.name,
        ttlMs: 10_000,
      });
      expect(await listLocks(`${scene.name}/`, all)).toHaveLength(2);
      expect(await scene.lock(given).tryAcquire()).toBeNull();
      expect(signal.aborted).toBe(false);
    });
    const left = await scene.lock({ ...given, behavior: 'release' }).acquire();
    const waiting = scene.lock(given).acquire({ acquireTimeoutMs: 10_000 });
    expect(await left.release()).toBe(true);
    const handle = await waiting;
    const aborted = new Promise((resolve) =>
      handle.signal.addEventListener('abort', resolve, { once: true }),
    );
    expect(await forceRelease(scene.key(), all)).toBe(true);
    await aborted;
    expect(await handle.release()).toBe(false);
    expect(await scene.keys()).toEqual([]);
  });

  it('forceRelease with the minimal policy ends no session that holds what its token cannot see', async () => {
    const { secret } = await newToken(MINIMAL);
    const made = await scene.ask('/v1/session/create', {
      method: 'PUT',
      body: '{"TTL":"60s","LockDelay":"0s"}',
    });
    const { ID: session } = JSON.parse(made.text) as { ID: string };
    const elsewhere = `/v1/kv/elsewhere/${scene.name}`;
    await scene.ask(`${elsewhere}?acquire=${session}`, { method: 'PUT', body: 'theirs' });
    await scene.lock({ ...options(secret), session }).acquire();
    const all = { ...scene.plainOptions, ...options(secret), consulClient: scene.client() };
    expect(await forceRelease(scene.key(), all)).toBe(true);
    expect(JSON.parse((await scene.ask(elsewhere)).text)).toMatchObject([{ Session: session }]);
    await scene.ask(`/v1/session/destroy/${session}`, { method: 'PUT' });
    await scene.ask(elsewhere, { method: 'DELETE' as 'PUT' });
  });

  it('a write outside of the policy is denied, and the lock is still held', async () => {
    const { secret } = await newToken(MINIMAL);
    const handle = await scene.lock(options(secret)).acquire();
    const outside = { KV: { Verb: 'set', Key: `elsewhere/${scene.name}`, Value: 'bmV3' } };
    await expectDenied(async () => await handle.transaction([outside]));
    expect(await handle.verify()).toBe(true);
    expect(await handle.release()).toBe(true);
  });

  it('a reader sees who has a lock, and can neither take nor free it', async () => {
    const { secret } = await newToken(READER);
    const handle = await scene.lock(options((await newToken(MINIMAL)).secret)).acquire();
    const all = { ...scene.plainOptions, ...options(secret), consulClient: scene.client() };
    const { sessionId } = handle;
    expect(await inspectLock(scene.key(), all)).toMatchObject({ sessionId, sessionName: scene.name });
    expect(await listLocks(`${scene.name}/`, all)).toMatchObject([{ sessionId, sessionName: scene.name }]);
    await expectDenied(async () => await scene.lock(options(secret), 'other').acquire());
    await expectDenied(async () => await forceRelease(scene.key(), all));
    expect(await handle.release()).toBe(true);
  });

  describe.each<[string, () => Promise<string | undefined>]>([
    ['no token', async () => undefined],
    ['an unknown token', async () => unknownToken()],
    ['a token that may not write sessions', async () => (await newToken(KEY_WRITE)).secret],
    ['a token that may not write keys', async () => (await newToken(SESSION_WRITE)).secret],
    ['a token that may only read keys', async () => (await newToken(`${SESSION_WRITE} ${KEY_READ}`)).secret],
  ])('%s', (_title, tokenFor) => {
    it.each([
      ['acquire', (given: LockOptions) => scene.lock(given).acquire()],
      [
        'an acquire that would wait',
        (given: LockOptions) => scene.lock(given).acquire({ acquireTimeoutMs: 5_000 }),
      ],
      [
        'an acquire with failHard: false',
        (given: LockOptions) => scene.lock(given).acquire({ failHard: false }),
      ],
      ['tryAcquire', (given: LockOptions) => scene.lock(given).tryAcquire()],
      ['hold', (given: LockOptions) => scene.lock(given).hold(() => 'never')],
    ])('ends %s with CONSUL_DENIED, at once, and nothing is left behind', async (_name, act) => {
      const given = options(await tokenFor());
      await expectDenied(async () => await act(given));
      expect(await scene.left()).toEqual({ keys: [], sessions: [] });
    });

    it('that the client carries, not the lock, shows in no error either', async () => {
      const token = await tokenFor();
      const client = clientFor(proxy.address, { token: token ?? '' });
      await expectDenied(
        async () => await scene.lock({ ...options(undefined), consulClient: client }).acquire(),
      );
      client.destroy();
      expect(await scene.left()).toEqual({ keys: [], sessions: [] });
    });
  });

  function unknownToken(): string {
    const secret = randomUUID();
    secrets.push(secret);
    return secret;
  }

  it('a token without the right to read keys is denied the looking, too', async () => {
    const { secret } = await newToken(SESSION_WRITE);
    const all = { ...options(secret), consulClient: scene.client() };
    await expectDenied(async () => await inspectLock(scene.key(), all));
    expect(written).toBe('');
  });

  it('a token that is deleted while it holds a lock ends everything but the lock with CONSUL_DENIED', async () => {
    const { secret, accessor } = await newToken(MINIMAL);
    const handle = await scene.lock({ ...options(secret), lockTimeoutMs: 1_500 }).acquire();
    await scene.ask(`/v1/acl/token/${accessor}`, { method: 'DELETE' as 'PUT' });
    await expectDenied(async () => await handle.verify());
    await expectDenied(async () => await handle.renew());
    await expectDenied(async () => await handle.transaction([{ KV: { Verb: 'get', Key: handle.fullKey } }]));
    // Being denied is no proof of loss: that is left to the clock.
    expect(handle.isHeld).toBe(true);
    const { signal } = handle;
    expect(signal.aborted).toBe(false);
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    expect(signal.reason).toMatchObject({ reason: 'expired' });
    expect(await handle.release()).toBe(false);
  });

  it('a token that is deleted while it holds a lock is denied the release', async () => {
    const { secret, accessor } = await newToken(MINIMAL);
    const handle = await scene.lock({ ...options(secret), lockTimeoutMs: 1_000 }).acquire();
    await scene.ask(`/v1/acl/token/${accessor}`, { method: 'DELETE' as 'PUT' });
    await expectDenied(async () => await handle.release());
    await handle[Symbol.asyncDispose]();
    // What nobody may give back is left to the TTL.
    expect(await scene.entry()).toMatchObject({ Session: handle.sessionId });
  });
});
