/** A KV entry as it is stored; never changed in place. */
export interface KvEntry {
  readonly key: string;
  readonly value: Buffer;
  readonly flags: number;
  readonly session: string;
  readonly lockIndex: number;
  readonly createIndex: number;
  readonly modifyIndex: number;
}

/** What a write says about a key. */
export interface KvWrite {
  readonly key: string;
  readonly value: Buffer;
  readonly flags: number;
}

/** An entry as Consul shows it. Without a value: as a transaction confirms a write. */
export interface KvRow {
  LockIndex: number;
  Key: string;
  Flags: number;
  /** In base64, or decoded by the client; an empty value is null. */
  Value: string | null;
  /** Absent where no session holds the key. */
  Session?: string;
  CreateIndex: number;
  ModifyIndex: number;
}

/** The keys, with the indexes that Consul's state store keeps of them. Changes take the raft index that they are part of. */
export class KvTable {
  private readonly entries: Map<string, KvEntry>;
  /** Deleted keys by the index of their deletion: they count in the index of a listing. */
  private readonly graves: Map<string, number>;
  private lastIndex: number;

  constructor(origin?: KvTable) {
    this.entries = new Map(origin?.entries);
    this.graves = new Map(origin?.graves);
    this.lastIndex = origin?.lastIndex ?? 0;
  }

  /** Of the last change to any key. */
  get index(): number {
    return this.lastIndex;
  }

  get(key: string): KvEntry | undefined {
    return this.entries.get(key);
  }

  /** In the order of their keys, bytewise. */
  list(prefix: string): KvEntry[] {
    return [...this.entries.values()]
      .filter(({ key }) => key.startsWith(prefix))
      .toSorted((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
  }

  listIndex(prefix: string): number {
    if (prefix === '') return this.index;
    const graves = [...this.graves].filter(([key]) => key.startsWith(prefix)).map(([, index]) => index);
    return Math.max(0, ...this.list(prefix).map((entry) => entry.modifyIndex), ...graves) || this.index;
  }

  /** What `key`, which is missing, has in common with the key nearest to it. */
  neighbourhood(key: string): string {
    let length = 0;
    for (const other of this.entries.keys()) {
      while (length < key.length && other.startsWith(key.slice(0, length + 1))) length += 1;
    }
    return key.slice(0, length);
  }

  /** The index of the last change to a key that begins with `prefix`. */
  lastChange(prefix: string): number {
    const graves = [...this.graves].filter(([key]) => key.startsWith(prefix) || prefix.startsWith(key));
    const indexes = [
      ...this.list(prefix).map(({ modifyIndex }) => modifyIndex),
      ...graves.map(([, at]) => at),
    ];
    return Math.max(0, ...indexes);
  }

  /** A plain write keeps the session and forgets the lock index, whoever holds the key. */
  set(index: number, write: KvWrite): KvEntry {
    return this.put(index, { ...write, lockIndex: 0, session: this.get(write.key)?.session ?? '' });
  }

  /** undefined: the key has another index, or exists where `known` is 0. */
  cas(index: number, write: KvWrite, known: number): KvEntry | undefined {
    return (this.get(write.key)?.modifyIndex ?? 0) === known ? this.set(index, write) : undefined;
  }

  /** undefined: another session holds it. */
  lock(index: number, write: KvWrite, session: string): KvEntry | undefined {
    const existing = this.get(write.key);
    if (existing === undefined) return this.put(index, { ...write, session, lockIndex: 1 });
    if (existing.session === session) {
      return this.put(index, { ...write, session, lockIndex: existing.lockIndex });
    }
    if (existing.session !== '') return undefined;
    return this.put(index, { ...write, session, lockIndex: existing.lockIndex + 1 });
  }

  /** undefined: this session does not hold it. */
  unlock(index: number, write: KvWrite, session: string): KvEntry | undefined {
    const existing = this.get(write.key);
    if (existing === undefined || existing.session !== session) return undefined;
    return this.put(index, { ...write, session: '', lockIndex: existing.lockIndex });
  }

  delete(index: number, key: string): void {
    if (this.entries.delete(key)) this.bury(index, key);
  }

  /** Whether the key is gone, which a key that never was is, too. */
  deleteCas(index: number, key: string, known: number): boolean {
    const existing = this.get(key);
    if (existing === undefined) return true;
    if (existing.modifyIndex !== known) return false;
    this.delete(index, key);
    return true;
  }

  deleteTree(index: number, prefix: string): void {
    const doomed = this.list(prefix);
    for (const { key } of doomed) this.entries.delete(key);
    if (doomed.length > 0) this.bury(index, prefix);
  }

  /** What becomes of a session's keys when it ends; answers which those were. */
  strip(index: number, session: string, behavior: 'release' | 'delete'): string[] {
    const held = this.list('').filter((entry) => entry.session.toLowerCase() === session);
    for (const entry of held) {
      if (behavior === 'delete') this.delete(index, entry.key);
      else this.put(index, { ...entry, session: '' });
    }
    return held.map(({ key }) => key);
  }

  private put(index: number, entry: Omit<KvEntry, 'createIndex' | 'modifyIndex'>): KvEntry {
    const existing = this.get(entry.key);
    // Writing what is there already changes nothing, not even the index: a repeated lock gives the same token.
    if (existing !== undefined && isSame(existing, entry)) return existing;
    const written = { ...entry, createIndex: existing?.createIndex ?? index, modifyIndex: index };
    this.entries.set(entry.key, written);
    this.lastIndex = index;
    return written;
  }

  private bury(index: number, key: string): void {
    this.graves.set(key, index);
    this.lastIndex = index;
  }
}

export function toRow(entry: KvEntry, { withValue = true }: { withValue?: boolean } = {}): KvRow {
  return {
    LockIndex: entry.lockIndex,
    Key: entry.key,
    Flags: entry.flags,
    Value: withValue && entry.value.length > 0 ? entry.value.toString('base64') : null,
    ...(entry.session !== '' && { Session: entry.session }),
    CreateIndex: entry.createIndex,
    ModifyIndex: entry.modifyIndex,
  };
}

function isSame(a: KvEntry, b: Omit<KvEntry, 'createIndex' | 'modifyIndex'>): boolean {
  return (
    a.lockIndex === b.lockIndex && a.flags === b.flags && a.session === b.session && a.value.equals(b.value)
  );
}
