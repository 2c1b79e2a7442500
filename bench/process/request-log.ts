import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import { machineMs } from '../measures/machine-clock.ts';
import { REQUEST_ANSWERED, REQUEST_SENT } from '../measures/request-channels.ts';
import type { RequestMoment } from './messages.ts';

const MOST = 100;

/** The last requests that this process has sent, and when: the path of a lock through it. */
export class RequestLog {
  readonly #moments: RequestMoment[] = [];

  constructor() {
    subscribe(REQUEST_SENT, (message) => {
      this.#note('sent', (message as { request: ClientRequest }).request);
    });
    subscribe(REQUEST_ANSWERED, (message) => {
      this.#note('answered', (message as { request: ClientRequest }).request);
    });
  }

  get last(): readonly RequestMoment[] {
    return this.#moments;
  }

  #note(what: RequestMoment['what'], { method, path }: ClientRequest): void {
    this.#moments.push({ at: machineMs(), what, request: `${method} ${path.split('?', 1).join()}` });
    if (this.#moments.length > MOST) this.#moments.splice(0, MOST / 2);
  }
}
