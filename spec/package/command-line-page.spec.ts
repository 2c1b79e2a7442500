import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { breakLock } from '../../lib/cli/break.ts';
import { list } from '../../lib/cli/list.ts';
import { whoHolds } from '../../lib/cli/lock-words.ts';
import { show } from '../../lib/cli/show.ts';
import { configure, inspectLock, resetDefaults } from '../../lib/index.ts';
import { FakeStreams } from '../support/fake-streams.ts';
import { readProjectFile } from '../support/readme-samples.ts';

/** The locks that the page shows, as Consul tells of them. */
const LOCKS = [
  {
    key: 'jobs/import',
    session: '7f1c3c5e-93a6-8d4f-1f0e-6ad0a2b0f0a9',
    node: 'agent-1',
    ttl: '30s',
    lockedAt: new Date(2026, 10, 21, 9, 30, 12),
    holder: { hostname: 'web-1', pid: 812 },
    token: 4711,
  },
  {
    key: 'jobs/nightly',
    session: '0b0f5a3e-7c77-4f1d-9d0c-0f1d2c3b4a59',
    node: 'agent-2',
    ttl: '180s',
    lockedAt: new Date(2026, 10, 21, 9, 33, 1),
    holder: { hostname: 'db-2', pid: 97 },
    token: 4720,
  },
];
const NOW = new Date(2026, 10, 21, 9, 33, 16).getTime();

const entries = LOCKS.map(({ key, session, lockedAt, holder, token }) => ({
  Key: `locks/ephemeral/${key}`,
  Value: JSON.stringify({ locked_at: lockedAt, ...holder }),
  Flags: 1,
  LockIndex: 1,
  Session: session,
  CreateIndex: token,
  ModifyIndex: token,
}));
const sessions = LOCKS.map(({ session, node, ttl }) => ({
  ID: session,
  Name: 'consul-lock',
  Node: node,
  TTL: ttl,
}));

const client = {
  session: {
    list: async () => sessions,
    info: async ({ id }: { id: string }) => sessions.find(({ ID }) => ID === id),
    create: async () => ({}),
    renew: async () => ({}),
    destroy: async () => true,
  },
  kv: {
    get: async ({ key, recurse }: { key: string; recurse?: boolean }) =>
      recurse === true ? entries : entries.find(({ Key }) => Key === key),
  },
  transaction: { create: async () => ({ Results: [], Errors: null }) },
};

const page = readProjectFile('docs/command-line.md');
let streams: FakeStreams;

beforeEach(() => {
  jest.spyOn(Date, 'now').mockReturnValue(NOW);
  configure({ consulClient: client });
  streams = new FakeStreams({ isTTY: true });
});
afterEach(() => resetDefaults());

describe('docs/command-line.md shows what is printed', () => {
  it('by ls', async () => {
    expect(await list({ prefix: 'jobs/', json: false } as never, streams)).toBe(0);
    expect(page).toContain(`$ consul-lock ls jobs/\n${streams.output}`);
  });

  it('by show, but for the end of the value', async () => {
    expect(await show({ key: 'jobs/import', json: false } as never, streams)).toBe(0);
    const [withoutValue] = streams.output.split('value ');
    expect(page).toContain(`$ consul-lock show jobs/import\n${withoutValue}value `);
  });

  it('by show of nothing', async () => {
    expect(await show({ key: 'nothing', json: false } as never, streams)).toBe(1);
    expect(page).toContain(`$ consul-lock show nothing; echo $?\n${streams.words}1\n`);
  });

  it('by break', async () => {
    const breaking = breakLock({ key: 'jobs/import', yes: false } as never, streams);
    streams.stdin.write('y\n');
    expect(await breaking).toBe(0);
    const [question = '', answer = ''] = streams.words.split(/(?<=\[y\/N\] )/);
    expect(page).toContain(`$ consul-lock break jobs/import\n${question}y\n${answer}`);
  });

  it('by run, of whoever has the lock', async () => {
    const held = whoHolds((await inspectLock('jobs/import'))!);
    expect(page).toContain(`consul-lock: waiting for deploy: ${held}\n`);
    expect(page).toContain(`consul-lock: not acquired: deploy is ${held}\n`);
  });
});
