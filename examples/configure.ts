import type { RequestListener } from 'node:http';

const app: RequestListener = (_request, response) => void response.end('hello');

// #region sample
import { createServer } from 'node:http';
import { configure, consulFromEnv, EphemeralLock, shutdown } from 'consul-lock';
import { pino } from 'pino';

configure({
  consulClient: consulFromEnv(), // CONSUL_HTTP_ADDR, CONSUL_HTTP_TOKEN, … as Consul's own command reads them
  lockTimeoutMs: 60_000,
  logger: pino({ level: 'warn' }),
});

const server = createServer(app).listen(process.env['PORT'] ?? 0);
process.once('SIGTERM', () => {
  server.close();
  void shutdown({ graceMs: 5_000 }); // holders learn it by their signal; what they still hold then is given back
});
// #endregion

await new EphemeralLock('configured').hold(({ remainingMs }) => {
  console.log(`ours for ${Math.ceil(remainingMs / 1_000)} s`);
});
process.kill(process.pid, 'SIGTERM');
