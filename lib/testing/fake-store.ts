import { randomUUID } from 'node:crypto';
import type { FakeClock } from './fake-clock.ts';
import { KvTable } from './fake-kv.ts';
import { Refusal } from './fake-reply.ts';

/** A session as Consul shows it. */
export interface SessionRow {
  /** A UUID. */
  ID: string;
  /** As it was asked for. */
  Name: string;
  /** The Consul node that it belongs to. */
  Node: string;
  /** In nanoseconds. */
  LockDelay: number;
  /** What becomes of its keys when it ends. */
  Behavior: 'release' | 'delete';
  /** As it was asked for; empty: the session never expires. */
  TTL: string;
  /** The health checks that would end it; there are none here that fail. */
  NodeChecks: string[];
  /** None. */
  ServiceChecks: null;
  /** The raft index of the write that made it. */
  CreateIndex: number;
  /** The same: sessions are not rewritten. */
  ModifyIndex: number;
}

export interface NewSession {
  readonly name: string;
  readonly node: string;
  readonly lockDelayNs: number;
  readonly behavior: 'release' | 'delete';
  readonly ttl: string;
  readonly ttlMs: number;
  readonly checks: readonly string[];
}

interface Session {
  readonly row: Readonly<SessionRow>;
  readonly ttlMs: number;
  stopTimer: () => void;
}

/** The one node, which every session belongs to, and its one check. */
export const NODE = 'fake';
export const NODE_CHECK = 'serfHealth';

const LONGEST_LOCK_DELAY_MS = 60_000;

/** Consul never ends a session before its TTL, and really does so after twice that. */
const TTL_FACTOR = 2;

/** What a server that has just started has written for itself. */
const FIRST_INDEX = 10;

/** The server's state: sessions, keys, lock delays, and the one raft index that counts the writes. */
export class FakeStore {
  kv: KvTable = new KvTable();
  raftIndex: number = FIRST_INDEX;
  sessionsIndex = 0;
  /** Called after every write. */
  readonly listeners: Set<() => void> = new Set();
  private readonly clock: FakeClock;
  private readonly sessions = new Map<string, Session>();
  private readonly lockDelayEnds = new Map<string, number>();

  constructor(clock: FakeClock) {
    this.clock = clock;
  }

  /** Every write takes an index, whether or not it changes something. */
  commit<T>(write: (index: number) => T): T {
    this.raftIndex += 1;
    try {
      return write(this.raftIndex);
    } finally {
      for (const listener of this.listeners) listener();
    }
  }

  /** As `write` sees fit, all of its changes to the keys are kept, or none. */
  commitAtOnce<T>(write: (index: number, draft: KvTable) => { keep: boolean; result: T }): T {
    return this.commit((index) => {
      const draft = new KvTable(this.kv);
      const { keep, result } = write(index, draft);
      if (keep) this.kv = draft;
      return result;
    });
  }

  createSession({ name, node, lockDelayNs, behavior, ttl, ttlMs, checks }: NewSession): string {
    return this.commit((index) => {
      if (node !== NODE) throw new Refusal(500, 'Missing node registration');
      const unknown = checks.find((check) => check !== NODE_CHECK);
      if (unknown !== undefined) throw new Refusal(500, `Missing check '${unknown}' registration`);
      const row: SessionRow = {
        ID: randomUUID(),
        Name: name,
        Node: node,
        LockDelay: lockDelayNs,
        Behavior: behavior,
        TTL: ttl,
        NodeChecks: [...checks],
        ServiceChecks: null,
        CreateIndex: index,
        ModifyIndex: index,
      };
      const session: Session = { row, ttlMs, stopTimer: () => {} };
      this.sessions.set(row.ID, session);
      this.sessionsIndex = index;
      this.startTimer(session);
      return row.ID;
    });
  }

  /** Throws for what is no session id at all. */
  session(id: string): SessionRow | undefined {
    const found = this.find(id);
    return found && copyOf(found);
  }

  listSessions(): SessionRow[] {
    return [...this.sessions.values()].map(copyOf).toSorted((a, b) => (a.ID < b.ID ? -1 : 1));
  }

  /** Starts the TTL anew. No write: the timers are the leader's alone. */
  renewSession(id: string): SessionRow | undefined {
    const session = this.find(id);
    if (session === undefined) return undefined;
    session.stopTimer();
    this.startTimer(session);
    return copyOf(session);
  }

  /** Ends a session, whoever asks for it; its keys are released or deleted, and their lock delay starts. */
  invalidateSession(id: string): boolean {
    return this.commit((index) => {
      const session = this.find(id);
      if (session === undefined) return false;
      session.stopTimer();
      this.sessions.delete(session.row.ID);
      this.sessionsIndex = index;
      const delayMs = Math.min(session.row.LockDelay / 1e6, LONGEST_LOCK_DELAY_MS);
      for (const key of this.kv.strip(index, session.row.ID, session.row.Behavior)) {
        if (delayMs > 0) this.lockDelayEnds.set(key, this.clock.now() + delayMs);
      }
      return true;
    });
  }

  isLockDelayed(key: string): boolean {
    return (this.lockDelayEnds.get(key) ?? -Infinity) > this.clock.now();
  }

  private find(id: string): Session | undefined {
    if (Buffer.byteLength(id) !== 36) {
      throw new Refusal(500, 'failed session lookup: index error: UUID must be 36 characters');
    }
    const stray = /[^0-9a-f-]/i.exec(id)?.[0];
    if (stray !== undefined) {
      const code = stray.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
      const reason = `encoding/hex: invalid byte: U+${code} '${stray}'`;
      throw new Refusal(500, `failed session lookup: index error: Invalid UUID: ${reason}`);
    }
    return this.sessions.get(id.toLowerCase());
  }

  private startTimer(session: Session): void {
    if (session.ttlMs === 0) return;
    const expire = (): void => void this.invalidateSession(session.row.ID);
    session.stopTimer = this.clock.schedule(session.ttlMs * TTL_FACTOR, expire);
  }
}

function copyOf({ row }: Session): SessionRow {
  return { ...row, NodeChecks: [...row.NodeChecks] };
}
