import type { Socket } from 'node:net';
import { machineTimeMs } from '../history/machine-time.ts';
import type { LineTrouble, LineWitness } from './fault-line.ts';
import { ObservedRequest } from './observed-request.ts';

const REQUEST = /^(?:GET|HEAD|PUT|POST|DELETE) \/\S* HTTP\/1\.1\r\n/;
/** For the delivery of a request whose sender is gone; beyond it nobody is interested in the answer. */
const LINGER_MS = 500;

/** One connection through a line. Clients do not pipeline, so what comes after a request's head belongs to it. */
export class FaultyConnection {
  readonly closed: Promise<unknown>;
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #draw: (isTaking: boolean) => LineTrouble | undefined;
  readonly #witness: LineWitness;
  readonly #openedAt = machineTimeMs();
  #wasAsked = false;
  #observed: ObservedRequest | undefined;
  /** What happens to the request under way and to its answer. */
  #trouble: LineTrouble | undefined;
  #hasAnswer = false;
  #isMute = false;
  #heldBack: (() => void)[] = [];
  #lateDeliveries = 0;

  constructor(
    client: Socket,
    upstream: Socket,
    draw: (isTaking: boolean) => LineTrouble | undefined,
    witness: LineWitness,
  ) {
    this.#client = client;
    this.#upstream = upstream;
    this.#draw = draw;
    this.#witness = witness;
    // Not by `once` of events: an error of one would count for the end of both.
    this.closed = Promise.all([closingOf(client), closingOf(upstream)]).then(() => this.#tellOfTheEnd());
    client.on('error', () => this.#leaveUpstream());
    client.on('close', () => this.#leaveUpstream());
    client.on('end', () => {
      if (this.#owesNothing) upstream.end();
    });
    client.on('data', (bytes: Buffer) => this.#onRequest(bytes));
    upstream.on('error', () => client.resetAndDestroy());
    upstream.on('end', () => this.#passAnswer(() => client.end()));
    upstream.on('data', (bytes: Buffer) => this.#onAnswer(bytes));
  }

  reset(): void {
    this.#client.resetAndDestroy();
    this.#upstream.resetAndDestroy();
  }

  heal(): void {
    if (this.#isMute) {
      this.reset();
      return;
    }
    this.#trouble = undefined;
    for (const deliver of this.#heldBack.splice(0)) deliver();
    if (this.#client.destroyed) this.#leaveUpstream();
  }

  #onRequest(bytes: Buffer): void {
    if (REQUEST.test(bytes.toString('latin1', 0, 2_048))) {
      this.#hasAnswer = false;
      this.#wasAsked = true;
      this.#tellObserved();
      this.#observed = ObservedRequest.of(bytes);
      this.#trouble = this.#draw(this.#observed?.isTaking === true);
    } else this.#observed?.continued(bytes);
    const observed = this.#observed;
    const deliver = (): void => {
      observed?.sent();
      this.#upstream.write(bytes);
    };
    switch (this.#trouble?.fault) {
      case 'freeze':
        this.#heldBack.push(deliver);
        break;
      case 'late':
        this.#lateDeliveries++;
        setTimeout(() => {
          this.#lateDeliveries--;
          deliver();
          if (this.#client.destroyed) this.#leaveUpstream();
        }, this.#trouble.lateMs);
        break;
      case 'reset':
        // Of a connection that is reset, the request is delivered all the same.
        observed?.sent();
        this.#upstream.write(bytes, () => this.#client.resetAndDestroy());
        break;
      case 'delay':
      case 'cut':
      case 'lose':
      case 'refuse':
      case undefined:
        deliver();
        break;
    }
  }

  #onAnswer(bytes: Buffer): void {
    const isFirst = !this.#hasAnswer;
    this.#hasAnswer = true;
    const observed = this.#observed;
    observed?.answered(bytes);
    switch (this.#trouble?.fault) {
      case 'lose':
        this.#isMute = true;
        break;
      case 'cut':
        if (!isFirst || this.#client.destroyed) break;
        this.#client.end(bytes.subarray(0, Math.max(1, bytes.length - 20)));
        this.#upstream.destroy();
        break;
      case 'delay':
      case 'freeze':
      case 'late':
      case 'reset':
      case 'refuse':
      case undefined:
        this.#passAnswer(() => {
          observed?.passed();
          this.#client.write(bytes);
        });
        break;
    }
  }

  #passAnswer(pass: () => void): void {
    const passNow = (): void => {
      if (!this.#client.destroyed && !this.#client.writableEnded) pass();
    };
    const trouble = this.#trouble;
    if (trouble?.fault === 'freeze') this.#heldBack.push(passNow);
    else if (trouble?.fault === 'delay') setTimeout(passNow, trouble.lateMs);
    else if (!this.#isMute) passNow();
  }

  #tellObserved(): void {
    const { contender, run, tell } = this.#witness;
    const fact = this.#observed?.fact(contender, run);
    this.#observed = undefined;
    if (fact) tell(fact);
  }

  #tellOfTheEnd(): void {
    const { contender, tell } = this.#witness;
    if (this.#wasAsked) this.#tellObserved();
    else tell({ kind: 'turned-away', at: machineTimeMs(), before: this.#openedAt, contender });
  }

  get #owesNothing(): boolean {
    return this.#heldBack.length === 0 && this.#lateDeliveries === 0;
  }

  #leaveUpstream(): void {
    if (!this.#owesNothing || this.#upstream.destroyed) return;
    setTimeout(() => this.#upstream.destroy(), LINGER_MS).unref();
  }
}

async function closingOf(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
  });
}
