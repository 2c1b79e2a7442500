// #region sample
import { configure, consulFromEnv, EphemeralLock, shutdown } from 'consul-lock';
import { pino } from 'pino';

configure({
  consulClient: consulFromEnv(), // CONSUL_HTTP_ADDR, CONSUL_HTTP_TOKEN, … as Consul's own command reads them
  lockTimeoutMs: 60_000,
  logger: pino({ level: 'warn' }),
});

process.once('SIGTERM', () => void shutdown({ graceMs: 5_000 }));
// #endregion

await new EphemeralLock('configured').hold(({ remainingMs }) => {
  console.log(`ours for ${Math.ceil(remainingMs / 1_000)} s`);
});
