import type { AddressInfo } from 'node:net';
import { toBase64 } from './base64.ts';
import { sendWelcomeEmail } from './welcome-email.ts';

// #region sample
import { createServer } from 'node:http';
import { EphemeralLock } from 'consul-lock';

/** Resolves to true when it was this call that sent the email, to false when it had been sent before. */
async function sendOnce(user: number): Promise<boolean> {
  const mark = `users/${user}/welcome-email-sent`;
  const lock = new EphemeralLock(`users/${user}/welcome-email`, { lockTimeoutMs: 30_000 });
  return await lock.hold(
    async (handle) => {
      const marks = await handle.transaction([{ KV: { Verb: 'get-tree', Key: mark } }]);
      if (marks.length > 0) return false;
      await sendWelcomeEmail(user, { signal: handle.signal });
      const now = toBase64(new Date().toISOString());
      await handle.transaction([{ KV: { Verb: 'set', Key: mark, Value: now } }]);
      return true;
    },
    { acquireTimeoutMs: 5_000 },
  );
}

const server = createServer((request, response) => {
  const [, user] = /^\/users\/(\d+)\/welcome-email$/.exec(request.url ?? '') ?? [];
  if (request.method !== 'POST' || user === undefined) {
    response.writeHead(404).end();
    return;
  }
  sendOnce(Number(user)).then(
    (isNew) => response.writeHead(isNew ? 201 : 200).end(),
    // Not had in time, lost, or Consul is away: asking again is safe.
    () => response.writeHead(503, { 'Retry-After': '5' }).end(),
  );
});
// #endregion

server.listen(0, '127.0.0.1', () =>
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
);
