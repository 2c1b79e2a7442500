import { Refusal } from './fake-reply.ts';
import type { KvWrite } from './fake-kv.ts';

/** One operation of `PUT /v1/txn`, as the server reads it. */
export interface Operation extends KvWrite {
  readonly verb: string;
  readonly index: number;
  readonly session: string;
}

/** By their lower-case names: Go matches field names without regard to case. */
const FIELDS: Readonly<Record<string, readonly [name: string, type: string]>> = {
  verb: ['Verb', 'api.KVOp'],
  key: ['Key', 'string'],
  value: ['Value', '[]uint8'],
  flags: ['Flags', 'uint64'],
  index: ['Index', 'uint64'],
  session: ['Session', 'string'],
};

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export function parseOperations(body: unknown): Operation[] {
  if (!Array.isArray(body))
    throw unparsable(`json: cannot unmarshal ${kindOf(body)} into Go value of type api.TxnOps`);
  return body.flatMap((item: unknown) => {
    if (!isObject(item)) {
      throw unparsable(`json: cannot unmarshal ${kindOf(item)} into Go value of type api.TxnOp`);
    }
    return Object.entries(item).map(([kind, operation]) => {
      if (kind.toLowerCase() !== 'kv' || !isObject(operation))
        throw unparsable(`json: unknown field "${kind}"`);
      return parseOperation(operation);
    });
  });
}

function parseOperation(operation: Record<string, unknown>): Operation {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(operation)) {
    const field = FIELDS[name.toLowerCase()];
    if (field === undefined) throw unparsable(`json: unknown field "${name}"`);
    if (value === null) continue;
    const isNumeric = field[1] === 'uint64';
    const isRight = isNumeric ? Number.isInteger(value) && (value as number) >= 0 : typeof value === 'string';
    if (!isRight) {
      const what = isNumeric && typeof value === 'number' ? `number ${value}` : kindOf(value);
      throw unparsable(
        `json: cannot unmarshal ${what} into Go struct field KVTxnOp.KV.${field[0]} of type ${field[1]}`,
      );
    }
    fields[name.toLowerCase()] = value;
  }
  const {
    verb = '',
    key = '',
    value = '',
    flags = 0,
    index = 0,
    session = '',
  } = fields as Partial<Omit<Operation, 'value'> & { value: string }>;
  return { verb, key, value: fromBase64(value), flags, index, session };
}

function fromBase64(text: string): Buffer {
  if (!BASE64.test(text)) {
    const stray = text.search(/[^A-Za-z0-9+/=]/);
    const at = Math.floor((stray < 0 ? text.length - 1 : stray) / 4) * 4;
    throw unparsable(`illegal base64 data at input byte ${at}`);
  }
  return Buffer.from(text, 'base64');
}

function unparsable(reason: string): Refusal {
  return new Refusal(400, `Failed to parse body: ${reason}`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}
