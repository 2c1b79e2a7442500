const [queue = '', billing = ''] = process.argv.slice(2);

// #region sample
import { EphemeralLock, LockLostError, type LockHandle } from 'consul-lock';

const lock = new EphemeralLock('queues/invoices/consumer', {
  acquireTimeoutMs: Infinity,
  lockTimeoutMs: 15_000,
  renew: true,
});

async function ask(url: string, init: RequestInit): Promise<string> {
  const response = await fetch(url, init);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return await response.text();
}

async function consume({ signal, fencingToken }: LockHandle): Promise<void> {
  for (;;) {
    // The signal ends whatever is under way: the waiting, the posting, the reading of an answer.
    const invoice = await ask(`${queue}/next`, { signal });
    const headers = { 'Fencing-Token': String(fencingToken) };
    await ask(`${billing}/invoices`, { method: 'POST', body: invoice, headers, signal });
    await ask(`${queue}/next`, { method: 'DELETE', signal });
  }
}

for (;;) {
  try {
    await lock.hold(consume);
  } catch (error) {
    // Aborted, fetch rejects with the signal's reason. Anything else ends the program, and its supervisor starts it anew.
    if (!(error instanceof LockLostError)) throw error;
    console.log(`stopped: ${error.reason}`);
  }
}
// #endregion
