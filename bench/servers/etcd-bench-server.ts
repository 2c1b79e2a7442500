import { LOOPBACK } from '../../spec/support/consul-server/agent-config.ts';
import { consulRequest as plainRequest } from '../../spec/support/consul-server/consul-request.ts';
import { freePorts } from '../../spec/support/consul-server/free-ports.ts';
import type { BenchServer } from './bench-server.ts';
import { PeerProcess } from './peer-process.ts';
import { whenQuiet } from './when-quiet.ts';

/** One server of etcd, with its data on disk. */
export async function startEtcd(): Promise<BenchServer> {
  const [port, peerPort] = await freePorts(2, LOOPBACK);
  const address = `${LOOPBACK}:${port}`;
  const [clients, peers] = [`http://${address}`, `http://${LOOPBACK}:${peerPort}`];
  const etcd = await PeerProcess.start({
    program: 'etcd',
    packageName: 'etcd-server',
    args: (folder) =>
      `--name bench --data-dir ${folder} --logger zap --log-level error
       --listen-client-urls ${clients} --advertise-client-urls ${clients}
       --listen-peer-urls ${peers} --initial-advertise-peer-urls ${peers}
       --initial-cluster bench=${peers}`.split(/\s+/),
    isReady: async () => (await plainRequest(address, '/health')).text.includes('"true"'),
  });
  const entries = async (): Promise<number> =>
    sumOf('etcd_server_proposals_committed_total', await metrics(address));
  return {
    address,
    port: port!,
    ownConnections: 0,
    version: /"etcdserver":"([^"]+)"/.exec((await plainRequest(address, '/version')).text)?.[1] ?? '?',
    entries,
    requests: async () => sumOf('grpc_server_msg_received_total', await metrics(address)),
    settled: async () => await whenQuiet(entries),
    stop: async () => await etcd.stop(),
  };
}

async function metrics(address: string): Promise<string> {
  return (await plainRequest(address, '/metrics')).text;
}

/** Of all lines of one metric, whatever their labels. */
function sumOf(metric: string, text: string): number {
  const lines = text
    .split('\n')
    .filter((line) => line.startsWith(`${metric} `) || line.startsWith(`${metric}{`));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
