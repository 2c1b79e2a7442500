import type Consul from 'consul';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  EphemeralLock,
  inspectLock,
  listLocks,
  type LockHandle,
  type LockInfo,
  type LockOptions,
} from '../../lib/index.ts';
import { consulUnderTest } from '../support/consul.ts';
import { FaultProxy } from '../support/proxy.ts';
import { Scene } from '../support/scene.ts';

jest.setTimeout(30_000);

/** What HTTP, paths and JSON treat in ways of their own. */
const TRICKY = [' ', ...'/ . .. // % %2F %s $& ? # & + : ; " \' \\ * < > { | ^ ` ~'.split(' ')];

/** What is not printed, or looks like something else. */
const ODD = [
  ...'\0,\n,\r\n,\t,\x7F,\x85,\uD800,\uDC00,\uFFFF,\uE000,\u00A0,\u00AD,\u200B,\u200D,\u202E,\u2028,\u3000,\uFEFF'.split(
    ',',
  ),
  ...'é,e\u0301,ß,İ,\u{1F512},\u{1F468}\u200D\u{1F469}'.split(','),
];

/**
 * Of every kind, but none that Unicode has taken in of late: Consul reads keys by the tables of the Go that built it, and
 * refuses in a path what these do not know.
 */
const ranges: readonly (readonly [number, number])[] = [
  [0x00, 0x24f],
  [0x370, 0x3ff],
  [0x2000, 0x206f],
  [0x4e00, 0x9fa5],
  [0xac00, 0xd7a3],
  [0xd800, 0xe0ff],
  [0xfff0, 0xffff],
  [0x1f300, 0x1f5ff],
  [0x10fff0, 0x10ffff],
];
const character = fc
  .oneof(...ranges.map(([min, max]) => fc.integer({ min, max })))
  .map((codePoint) => String.fromCodePoint(codePoint));
const piece = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 12 }) },
  { weight: 3, arbitrary: fc.string({ unit: character, maxLength: 4 }) },
  { weight: 2, arbitrary: fc.constantFrom(...TRICKY) },
);
const keys = fc.oneof(
  { weight: 3, arbitrary: fc.array(piece, { maxLength: 4 }).map((parts) => parts.join('')) },
  { weight: 2, arbitrary: fc.array(piece, { minLength: 2, maxLength: 4 }).map((parts) => parts.join('/')) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme-ascii', minLength: 900, maxLength: 1_100 }) },
);
const EXAMPLES = [...TRICKY, ...ODD].flatMap((odd) => [odd, `a${odd}b`]);

/** How many characters of a key a listing asks for. */
const cuts = fc.nat(8);

describe('a key', () => {
  let proxy: FaultProxy;
  let scene: Scene;

  beforeAll(async () => {
    proxy = await FaultProxy.start(consulUnderTest().address);
    scene = new Scene(consulUnderTest().address, { via: proxy.address });
  });
  afterAll(async () => {
    await scene.end();
    await proxy.stop();
  });

  /** Keys of this scene, with nothing between them and their prefix. */
  function ownKeys(): { consulClient: Consul; prefix: string; options: LockOptions } {
    const consulClient = scene.client();
    const prefix = `locks/ephemeral/${scene.name}/`;
    const options = { consulClient, sessionName: scene.name, lockKeyPattern: `${prefix}%s` };
    return { consulClient, prefix, options };
  }

  it('comes back from Consul byte for byte as it was asked for, or is refused before any request', async () => {
    const { consulClient, prefix, options } = ownKeys();
    const count = { taken: 0, refused: 0 };

    /** How the key was refused and what was sent before that, or as what Consul has it. */
    async function fateOf(key: string, cut: number): Promise<object> {
      const sent = proxy.requests.length;
      let handle: LockHandle;
      try {
        handle = await new EphemeralLock(key, options).acquire();
      } catch (error) {
        count.refused += 1;
        return { refusal: (error as Error).constructor, sent: proxy.requests.length - sent };
      }
      count.taken += 1;
      let fate = {};
      try {
        const read = (await consulClient.kv.get(handle.fullKey)) as { Key: string };
        const namesOf = (locks: readonly LockInfo[]): string[] => locks.map(({ fullKey }) => hex(fullKey));
        const begin = Array.from(key).slice(0, cut).join('');
        fate = {
          read: hex(read.Key),
          listed: namesOf(await listLocks('', options)),
          listedByItsBegin: namesOf(await listLocks(begin, options)),
          listedByItself: namesOf(await listLocks(key, options)),
          inspected: hex((await inspectLock(key, options))?.fullKey ?? ''),
        };
      } catch (error) {
        fate = { unreadable: (error as Error).message };
      }
      return { ...fate, released: await handle.release() };
    }

    /** What is allowed, and nothing else. */
    function fatesOf(key: string): object[] {
      const bytes = hex(prefix + key);
      return [
        { refusal: TypeError, sent: 0 },
        { refusal: RangeError, sent: 0 },
        {
          read: bytes,
          listed: [bytes],
          listedByItsBegin: [bytes],
          listedByItself: [bytes],
          inspected: bytes,
          released: true,
        },
      ];
    }

    await fc.assert(
      fc.asyncProperty(keys, cuts, async (key, cut) => {
        expect(fatesOf(key)).toContainEqual(await fateOf(key, cut));
      }),
      {
        numRuns: EXAMPLES.length + 60,
        examples: EXAMPLES.map((key) => [key, 2]),
        interruptAfterTimeLimit: 20_000,
        markInterruptAsFailure: true,
      },
    );
    expect(count.taken).toBeGreaterThan(40);
    expect(count.refused).toBeGreaterThan(20);
  });

  it.each(['..b', 'a/..b', 'a/.b', 'a/...', 'a b', 'a/ü', ' longest'])(
    'is found by every beginning of it, like %j',
    async (name) => {
      const { prefix, options } = ownKeys();
      const key = name === ' longest' ? 'k'.repeat(1_024 - prefix.length) : name;
      await using handle = await new EphemeralLock(key, options).acquire();
      for (let cut = Math.max(key.length - 8, 0); cut <= key.length; cut++) {
        const found = await listLocks(key.slice(0, cut), options);
        expect([cut, found.map(({ fullKey }) => fullKey)]).toEqual([cut, [handle.fullKey]]);
      }
    },
  );

  it('is found without any prefix', async () => {
    const { prefix, options } = ownKeys();
    await using handle = await new EphemeralLock('key', options).acquire();
    const everything = await listLocks('', { ...options, lockKeyPattern: '%s' });
    expect(everything.map(({ fullKey }) => fullKey)).toContain(handle.fullKey);
    expect(await listLocks('key', { ...options, lockKeyPattern: `${prefix}k%s` })).toEqual([]);
  });
});

function hex(text: string): string {
  return Buffer.from(text).toString('hex');
}
