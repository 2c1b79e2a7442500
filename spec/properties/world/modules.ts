import { EventEmitter } from 'node:events';
import { jest } from '@jest/globals';
import type { Clock } from '../../../lib/clock.ts';

export type Lib = typeof import('../../../lib/index.ts');

/** The modules of one process, with all that they keep for the process. */
export interface Modules {
  readonly lib: Lib;
  readonly systemClock: Clock;
  readonly lifecycle: (typeof import('../../../lib/lifecycle.ts'))['lifecycle'];
  /** Tells the library of a request, as an agent of its own would: else it looks for each in the asynchronous context. */
  readonly agent: { addRequest(): void };
  readonly justUsed: (typeof import('../../support/just-used.ts'))['justUsed'];
}

/** Loads them anew: whoever loads them twice has two processes. */
export async function loadModules(): Promise<Modules> {
  jest.resetModules();
  // One after another: jest cannot link modules side by side that import each other's.
  const lib = await import('../../../lib/index.ts');
  const { systemClock } = await import('../../../lib/system-clock.ts');
  const { lifecycle } = await import('../../../lib/lifecycle.ts');
  const { justUsed } = await import('../../support/just-used.ts');
  const { tellingOfRequests } = await import('../../../lib/consul-socket.ts');
  const agent = tellingOfRequests({ addRequest: () => {} } as never) as unknown as {
    addRequest(request?: object): void;
  };
  const tell = agent.addRequest.bind(agent);
  const addRequest = (): void => tell(new EventEmitter());
  return { lib, systemClock, lifecycle, justUsed, agent: Object.assign(agent, { addRequest }) };
}
