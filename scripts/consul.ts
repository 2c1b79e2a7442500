import { findConsul } from '../spec/support/consul-server/find-consul.ts';

const consul = await findConsul();
if (consul.ownServer) {
  // Before anything is said: whoever reads it may end us at once.
  const over = endOfUse();
  console.log(`Consul (${consul.origin}) listens on ${consul.address}; Ctrl-C ends it. To use it elsewhere:`);
  console.log(`export CONSUL_HTTP_ADDR=${consul.address}`);
  await over;
  await consul.stop();
  process.exit();
} else {
  console.log(`CONSUL_HTTP_ADDR is set, and the Consul at ${consul.address} answers: nothing to start.`);
}

async function endOfUse(): Promise<void> {
  const parent = process.ppid;
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
    // Keeps this process alive, too; a signal that ends npm does not always reach what npm runs.
    setInterval(() => process.ppid !== parent && resolve(), 250);
  });
}
