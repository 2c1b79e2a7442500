const TERM_MS = Number(process.argv[2] ?? 600_000);
const oneRound = async ({ signal }: { signal: AbortSignal }): Promise<void> => {
  await pause(20, undefined, { signal });
};
const tell = (what: string, token: number): void =>
  console.log(JSON.stringify({ what, token, at: Date.now() }));

// #region sample
import { setTimeout as pause } from 'node:timers/promises';
import { EphemeralLock } from 'consul-lock';

const office = new EphemeralLock('shop/leader', {
  acquireTimeoutMs: Infinity,
  lockTimeoutMs: 15_000,
  renew: { maxHoldMs: TERM_MS },
});

for (;;) {
  await office.hold(async (handle) => {
    tell('leads', handle.fencingToken);
    // Renewed, there is always more left than this, until the term ends or Consul is out of reach.
    while (handle.remainingMs > 1_000) await oneRound({ signal: handle.signal });
    tell('steps down', handle.fencingToken);
  });
  await pause(1_000); // whoever waits goes first
}
// #endregion
