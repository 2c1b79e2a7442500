import { once } from 'node:events';
import { connect } from 'node:net';
import { LOOPBACK } from '../../spec/support/consul-server/agent-config.ts';
import { freePorts } from '../../spec/support/consul-server/free-ports.ts';
import type { BenchServer } from './bench-server.ts';
import { PeerProcess } from './peer-process.ts';

const ANSWER_WITHIN_MS = 2_000;

/** Redis as safe as it can be: each write is on disk before it is answered, as with Consul. */
export async function startRedis(): Promise<BenchServer> {
  const [port] = await freePorts(1, LOOPBACK);
  const redis = await PeerProcess.start({
    program: 'redis-server',
    packageName: 'redis-server',
    args: (folder) =>
      `--port ${port} --bind ${LOOPBACK} --dir ${folder} --appendonly yes --appendfsync always --save`
        .split(' ')
        .concat(''),
    isReady: async () => (await info(port!, 'server')).includes('redis_version:'),
  });
  return {
    address: `${LOOPBACK}:${port}`,
    port: port!,
    ownConnections: 0,
    version: /redis_version:(\S+)/.exec(await info(port!, 'server'))?.[1] ?? '?',
    entries: async () => undefined,
    requests: async () => await scriptCalls(port!),
    settled: async () => {},
    stop: async () => await redis.stop(),
  };
}

/** Redlock sends scripts and nothing else; what these do inside is not sent. */
async function scriptCalls(port: number): Promise<number> {
  const counts = (await info(port, 'commandstats')).matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g);
  return Array.from(counts, ([, calls]) => Number(calls)).reduce((sum, calls) => sum + calls, 0);
}

async function info(port: number, section: string): Promise<string> {
  const socket = connect({ port, host: LOOPBACK, timeout: ANSWER_WITHIN_MS });
  socket.on('timeout', () => socket.destroy(new Error('Redis does not answer')));
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
  socket.write(`INFO ${section}\r\nQUIT\r\n`);
  await once(socket, 'close');
  return answer;
}
