import type { FactOf } from '../history/facts.ts';
import { machineTimeMs } from '../history/machine-time.ts';

type RequestFact = FactOf<'request'>;

const ASKED = /^PUT \/v1\/(?:session\/(create|renew|destroy)(?:\/([\w-]+))?|(txn))[? ]/;
/** Of an answer: a key with the session that has it. */
const ROW = /"Key":"([^"]+)"[^}]*?"Session":"([\w-]+)"[^}]*?"ModifyIndex":(\d+)/g;
/** Of an answer: a session's id stands at its beginning. */
const LONGEST_ANSWER = 2_048;

interface Operation {
  readonly KV: {
    readonly Verb: string;
    readonly Key: string;
    readonly Session?: string;
    readonly Index?: number;
    readonly Value?: string;
  };
}

/** A request that makes, renews or ends a session, or takes keys by it: when it came by on a line, and when its answer. */
export class ObservedRequest {
  readonly #seenAt = machineTimeMs();
  #request: string;
  #answer = '';
  #sentAt: number | undefined;
  #answeredAt: number | undefined;
  #passedAt: number | undefined;

  private constructor(head: string) {
    this.#request = head;
  }

  /** @param head - the first bytes of a request; undefined when it is of no interest. */
  static of(head: Buffer): ObservedRequest | undefined {
    const text = head.toString('latin1');
    return ASKED.test(text) ? new ObservedRequest(text) : undefined;
  }

  /** As far as its first bytes tell. */
  get isTaking(): boolean {
    return /"(?:lock|cas)"/.test(this.#request) && !this.#request.includes('"unlock"');
  }

  /** What came after the first bytes. */
  continued(bytes: Buffer): void {
    this.#request += bytes.toString('latin1');
  }

  sent(): void {
    this.#sentAt ??= machineTimeMs();
  }

  answered(bytes: Buffer): void {
    this.#answeredAt ??= machineTimeMs();
    if (this.#answer.length >= LONGEST_ANSWER) return;
    this.#answer += bytes.toString('latin1');
    for (const [, key, session, index] of this.#answer.matchAll(ROW)) {
      holders.set(placeOf(key!, Number(index)), session!);
    }
  }

  passed(): void {
    this.#passedAt ??= machineTimeMs();
  }

  /** When it is over; undefined for a transaction that takes nothing. */
  fact(contender: string, run: string): RequestFact | undefined {
    const [, verb, id] = ASKED.exec(this.#request)!;
    const asked =
      verb === undefined ? this.#taking() : verb === 'create' ? this.#creating(run) : { session: id };
    if (!asked) return undefined;
    const status = /^HTTP\/1\.1 (\d{3})/.exec(this.#answer)?.[1];
    return {
      kind: 'request',
      at: machineTimeMs(),
      before: this.#seenAt,
      contender,
      asks: (verb as 'create' | 'renew' | 'destroy' | undefined) ?? 'take',
      ...asked,
      sentAt: this.#sentAt,
      answeredAt: this.#answeredAt,
      status: status === undefined ? undefined : Number(status),
      passedAt: this.#passedAt,
    };
  }

  #creating(run: string): { session: string | undefined } | undefined {
    // A session that the contender made by itself has another name.
    if (!this.#request.includes(`"${run}"`)) return undefined;
    return { session: /"ID":\s*"([\w-]+)"/.exec(this.#answer)?.[1] };
  }

  #taking(): { session: string; holder: string } | undefined {
    const operations = operationsOf(this.#request);
    const taking = operations.find(({ KV }) => KV.Verb === 'lock' || KV.Verb === 'cas')?.KV;
    // A giving back may unlock, lock and unlock again.
    if (!taking || operations.some(({ KV }) => KV.Verb === 'unlock')) return undefined;
    // What is handed over stays with the session that has it.
    const session = taking.Session ?? holders.get(placeOf(taking.Key, taking.Index ?? 0));
    if (session === undefined) return undefined;
    return { session, holder: Buffer.from(taking.Value ?? '', 'base64').toString() };
  }
}

/** Which session had a key as of an index, by all answers that came by. */
const holders = new Map<string, string>();

function placeOf(key: string, index: number): string {
  return `${key} ${index}`;
}

function operationsOf(request: string): readonly Operation[] {
  const body = request.slice(request.indexOf('\r\n\r\n'));
  try {
    return JSON.parse(body.slice(body.indexOf('['), body.lastIndexOf(']') + 1)) as Operation[];
  } catch {
    // Its sender broke off.
    return [];
  }
}
