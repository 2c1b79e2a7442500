import { availableParallelism } from 'node:os';
import { Arena } from './contests/arena.ts';
import { measureAll } from './measure-all.ts';
import { benchOptions } from './options.ts';
import { reportText } from './report/report-text.ts';
import { achievedIn } from './report/results.ts';
import { judged } from './report/targets.ts';
import { writeResults } from './report/write-results.ts';
import { ROWS } from './rows.ts';
import { ConsulBenchServer } from './servers/consul-bench-server.ts';
import { startPeers, type Peers } from './servers/peers.ts';

const { runs, seconds, rows, withPeers } = benchOptions(process.argv.slice(2), ROWS);
// The servers, the processes and the folders of the contests end with us.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

const consul = await ConsulBenchServer.start();
let peers: Peers = {};
try {
  if (withPeers) peers = await startPeers((line) => console.log(line));
  const versions = {
    node: process.versions.node,
    consul: consul.version,
    ...(peers.redlock && { redis: peers.redlock.version }),
    ...(peers.etcd3 && { etcd: peers.etcd3.version }),
  };
  const cores = availableParallelism();
  console.log(`${JSON.stringify(versions)}, ${cores} cores: ${runs} × ${seconds} s for each contest`);

  await measureAll(new Arena(seconds, consul, peers), rows, runs, (measured, run) => {
    const achieved = achievedIn(rows, measured);
    const targets = judged(rows, achieved);
    if (run === runs) console.log(`\n${reportText(rows, achieved, targets)}`);
    const date = new Date().toISOString();
    // Whoever ends it early keeps what there is.
    writeResults(rows, { date, versions, cores, runs: run, seconds, targets, rows: achieved });
  });
} finally {
  for (const server of [consul, ...Object.values(peers)]) await server.stop();
}
