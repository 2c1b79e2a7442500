import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

const steps = Array.from({ length: 50 }, (_, step) => step + 1);
const settle = async (step: number): Promise<void> => {
  console.log(`step ${step} begins`);
  await pause(200);
  console.log(`step ${step} ends`);
};

// #region sample
import { createServer, type ServerResponse } from 'node:http';
import { EphemeralLock, shutdown } from 'consul-lock';

const lock = new EphemeralLock('accounts/settlement', { acquireTimeoutMs: 30_000, lockTimeoutMs: 60_000 });

async function settleAll(): Promise<void> {
  await lock.hold(async ({ signal }) => {
    for (const step of steps) {
      signal.throwIfAborted(); // between two steps, so that none is cut off in the middle
      await settle(step);
    }
  });
}

async function answer(response: ServerResponse): Promise<void> {
  try {
    await settleAll();
    // A connection that is kept alive would keep the process alive, too.
    response.writeHead(200, server.listening ? {} : { Connection: 'close' });
  } catch {
    // Those at work (LOCK_LOST) and those who wait (LOCK_SHUTDOWN) are told to try another process.
    response.writeHead(503, { 'Retry-After': '1', Connection: 'close' });
  }
  response.end();
}

const server = createServer((_request, response) => void answer(response));

process.once('SIGTERM', () => {
  server.close();
  // Nothing keeps the process after that: the key is free, and nobody has to wait for a TTL.
  void shutdown({ graceMs: 5_000 });
});
// #endregion

server.listen(0, '127.0.0.1', () =>
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
);
