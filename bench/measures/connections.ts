import { readFileSync } from 'node:fs';

const ESTABLISHED = '01';

/** How many clients' sockets are connected to a loopback port; undefined where the system does not tell. */
export function connectionsTo(port: number): number | undefined {
  try {
    return establishedTo(port, readFileSync('/proc/net/tcp', 'latin1'));
  } catch {
    return undefined;
  }
}

/** Lines of /proc/net/tcp: number, local address, remote address, state, …, all in hexadecimal. */
export function establishedTo(port: number, table: string): number {
  const remote = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return table.split('\n').filter((line) => {
    const [, , remoteAddress, state] = line.trim().split(/\s+/);
    return state === ESTABLISHED && remoteAddress!.endsWith(remote);
  }).length;
}

interface Watched {
  readonly port: number;
  readonly ownConnections: number;
}

/** Looks again and again, and keeps the highest count. */
export class ConnectionWatch implements Disposable {
  readonly #timer: NodeJS.Timeout;
  readonly #server: Watched;
  #most: number | undefined;

  constructor(server: Watched, everyMs: number) {
    this.#server = server;
    this.#timer = setInterval(() => this.#look(), everyMs);
  }

  get most(): number | undefined {
    this.#look();
    return this.#most;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const { port, ownConnections } = this.#server;
    const now = connectionsTo(port);
    if (now !== undefined) this.#most = Math.max(this.#most ?? 0, now - ownConnections);
  }
}
