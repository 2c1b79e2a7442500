import { setImmediate as nextRound } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import Consul from 'consul';
import type { ConsulClient } from '../../lib/consul-client.ts';
import { EphemeralLock, type LockHandle } from '../../lib/index.ts';
import { sessionPool } from '../../lib/session-pool.ts';
import { clientFor } from '../support/client.ts';
import { HostileAgent, MISBEHAVIORS } from '../support/hostile-agent.ts';

const REQUEST_TIMEOUT_MS = 600;

/** What is asked of a handle, and the path that it asks. */
const CALLS = [
  ['verify', '/v1/kv/', async (handle) => await handle.verify()],
  ['renew, by its renewal', '/v1/session/renew', async (handle) => await handle.renew()],
  ['renew, by its check', '/v1/kv/', async (handle) => await handle.renew()],
  ['release', '/v1/txn', async (handle) => await handle.release()],
  [
    'transaction',
    '/v1/txn',
    async (handle) => await handle.transaction([{ KV: { Verb: 'set', Key: 'k', Value: '' } }]),
  ],
] satisfies [string, string, (handle: LockHandle) => Promise<unknown>][];

/** As one that limits how much it sends. */
function sendingLater({ session, kv, transaction }: Consul): ConsulClient {
  type Call = (...args: never[]) => Promise<unknown>;
  const later =
    (call: Call): Call =>
    async (...args) => {
      await nextRound();
      return await call(...args);
    };
  return {
    session: {
      create: later(session.create.bind(session)),
      renew: later(session.renew.bind(session)),
      destroy: later(session.destroy.bind(session)),
      info: later(session.info.bind(session)),
    },
    kv: { get: later(kv.get.bind(kv)) },
    transaction: { create: later(transaction.create.bind(transaction)) },
  };
}

describe('a hostile agent', () => {
  let agent: HostileAgent;
  let client: Consul;
  let lock: EphemeralLock;

  beforeAll(async () => {
    agent = await HostileAgent.start();
    client = clientFor(agent.address);
    lock = new EphemeralLock('key', {
      consulClient: client,
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      retryTimeoutMs: 0,
    });
  });
  afterEach(async () => {
    agent.behave();
    await sessionPool.drain();
  });
  afterAll(async () => {
    client.destroy();
    await agent[Symbol.asyncDispose]();
  });

  async function failureOf(promise: Promise<unknown>): Promise<unknown> {
    const began = performance.now();
    const outcome = await promise.then(
      (value) => ({ value }),
      (error: unknown) => error,
    );
    // One request that is not answered, one clean-up that is not either, and the machine's own slowness.
    expect(performance.now() - began).toBeLessThan(2 * REQUEST_TIMEOUT_MS + 2_000);
    return outcome;
  }

  it.each([
    ['of the user', (own: Consul) => own],
    ['that does something else before it sends', sendingLater],
  ])('that ends the connection in mid-answer is noticed at once by a client %s', async (_title, through) => {
    const own = new Consul({ host: '127.0.0.1', port: Number(agent.address.split(':')[1]) });
    const misbehavior = MISBEHAVIORS['a connection that ends in mid-answer'];
    Object.assign(agent, { target: '/v1/txn', misbehavior });
    const patient = { requestTimeoutMs: 60_000, retryTimeoutMs: 0 };
    const byOwn = new EphemeralLock('key', { consulClient: through(own), ...patient });
    expect(await failureOf(byOwn.acquire())).toMatchObject({ code: 'CONSUL_UNAVAILABLE', transient: true });
    own.destroy();
  });

  it.each(['a body over 8 MiB', 'a body over 8 MiB of the length that it announces'] as const)(
    'that answers with %s is read no further',
    async (name) => {
      Object.assign(agent, { target: '/v1/txn', misbehavior: MISBEHAVIORS[name] });
      const failure = (await failureOf(lock.acquire())) as Error;
      expect(failure.message).toContain('the answer is larger than 8388608 bytes');
    },
  );

  describe.each(Object.entries(MISBEHAVIORS))('that answers with %s', (_name, misbehavior) => {
    it.each(['/v1/session/create', '/v1/txn'])('yields no handle: %s', async (target) => {
      Object.assign(agent, { target, misbehavior });
      expect(await failureOf(lock.acquire())).toMatchObject({
        name: 'ConsulRequestError',
        code: 'CONSUL_UNAVAILABLE',
        transient: true,
      });
    });

    it("yields no handle by a client with an agent of the user's own", async () => {
      const own = new Consul({ host: '127.0.0.1', port: Number(agent.address.split(':')[1]) });
      Object.assign(agent, { target: '/v1/txn', misbehavior });
      const limits = { requestTimeoutMs: REQUEST_TIMEOUT_MS, retryTimeoutMs: 0 };
      const byOwn = new EphemeralLock('key', { consulClient: own, ...limits });
      expect(await failureOf(byOwn.acquire())).toMatchObject({ code: 'CONSUL_UNAVAILABLE', transient: true });
      own.destroy();
    });

    it.each(CALLS)('makes nobody believe anything: %s', async (_call, target, call) => {
      const handle = await lock.acquire();
      Object.assign(agent, { target, misbehavior });
      expect(await failureOf(call(handle))).toMatchObject({
        name: 'ConsulRequestError',
        code: 'CONSUL_UNAVAILABLE',
        transient: true,
      });
      agent.target = undefined;
      await handle.release();
    });

    it('does not make a watched lock lost', async () => {
      const handle = await lock.acquire();
      Object.assign(agent, { target: '/v1/kv/', misbehavior });
      const { signal } = handle;
      await expect(handle.verify()).rejects.toMatchObject({ transient: true });
      expect([signal.aborted, handle.isHeld]).toEqual([false, true]);
      await handle.release();
    });
  });
});
