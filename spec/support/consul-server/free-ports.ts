import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

// Below the ranges from which systems take ports for outgoing connections (32768 and up on Linux, 49152
// and up elsewhere), so that only another listener can take a port between our look and its use.
const LOWEST = 10_240;
const HIGHEST = 32_000;

/** Ports of `host` that are free for TCP and UDP at this moment; somebody may still be faster. */
export async function freePorts(count: number, host: string): Promise<number[]> {
  const ports = new Set<number>();
  for (let attempts = 0; ports.size < count; attempts += 1) {
    if (attempts > 1_000) throw new Error(`found no ${count} free ports on ${host}`);
    const port = randomInt(LOWEST, HIGHEST);
    if ((await isFreeForTcp(port, host)) && (await isFreeForUdp(port, host))) ports.add(port);
  }
  return [...ports];
}

async function isFreeForTcp(port: number, host: string): Promise<boolean> {
  const server = createServer();
  try {
    server.listen({ port, host, exclusive: true });
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}

async function isFreeForUdp(port: number, host: string): Promise<boolean> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  try {
    socket.bind({ port, address: host, exclusive: true });
    await once(socket, 'listening');
  } catch {
    return false;
  }
  socket.close();
  return true;
}
