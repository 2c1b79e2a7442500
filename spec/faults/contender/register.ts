import type { KvOperation, KvResult } from '../../../lib/index.ts';
import type { RegisterState } from '../history/facts.ts';

interface Content {
  readonly token: number;
  readonly id: string;
}

/** Reads the register, then writes it: so a write whose answer is lost is seen by the one that follows it. */
export function registerOperations(key: string, content: Content): KvOperation[] {
  const Value = Buffer.from(JSON.stringify(content)).toString('base64');
  // A read of what is not there would refuse the whole transaction; a tree may be empty.
  return [{ KV: { Verb: 'get-tree', Key: key } }, { KV: { Verb: 'set', Key: key, Value } }];
}

/** The register as it was before and as it was left. */
export function registerStates(key: string, content: Content, rows: readonly KvResult[]): RegisterState[] {
  return rows
    .map(({ KV }) => KV)
    .filter(({ Key }) => Key === key)
    .map(({ Value, ModifyIndex }) => ({ key, ...contentOf(Value, content), index: ModifyIndex }));
}

/** The answer to a write carries no value, for the writer knows it. */
function contentOf(value: string | null | undefined, written: Content): Content {
  return value ? (JSON.parse(Buffer.from(value, 'base64').toString()) as Content) : written;
}
