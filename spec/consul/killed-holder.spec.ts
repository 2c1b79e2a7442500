import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { ChildProgram } from '../support/child-program.ts';
import { consulUnderTest, describeWithOwnServer } from '../support/consul.ts';
import type { HolderArgument, HolderLook, HolderReport } from '../support/holder.ts';
import { Scene } from '../support/scene.ts';

jest.setTimeout(30_000);

const TTL_MS = 600;

describeWithOwnServer('a holder in another process', () => {
  let scene: Scene;
  let holder: ChildProgram;
  let held: HolderReport;

  beforeEach(async () => {
    scene = new Scene(consulUnderTest().address);
    const argument: HolderArgument = {
      address: scene.via,
      key: scene.key(),
      options: { ...scene.plainOptions, lockTimeoutMs: TTL_MS },
    };
    holder = await ChildProgram.start({ file: 'spec/support/holder.ts', argument });
    held = await holder.report<HolderReport>();
  });
  afterEach(async () => {
    await holder.kill();
    await scene.end();
  });

  it('keeps the lock to itself for its TTL after SIGKILL, and loses it to a contender that waits after twice that', async () => {
    const waiting = scene.lock({ lockTimeoutMs: 10_000 }).acquire({ acquireTimeoutMs: 10_000 });
    await holder.kill();
    const killedAt = Date.now();
    const next = await waiting;
    const acquiredAt = Date.now();
    expect(acquiredAt).toBeGreaterThanOrEqual(held.deadline);
    expect(acquiredAt - killedAt).toBeLessThan(2 * TTL_MS + 1_500);
    expect(next.fencingToken).toBeGreaterThan(held.fencingToken);
    expect(next.remainingMs).toBeGreaterThan(8_000);
    expect(await next.release()).toBe(true);
  });

  it('has lost the lock at the first look when it was frozen for longer than its TTL, and harms nobody', async () => {
    await holder.freeze();
    const next = await scene.lock({ lockTimeoutMs: 10_000 }).acquire({ acquireTimeoutMs: 10_000 });
    expect(Date.now()).toBeGreaterThanOrEqual(held.deadline);
    // Both are there before it runs again: the look comes first, and nothing runs in between.
    holder.tell('look');
    holder.tell('write');
    holder.tell('release');
    holder.thaw();
    expect(await holder.report<HolderLook>()).toEqual({ isHeld: false, remainingMs: 0 });
    expect(await holder.report()).toEqual({ error: { name: 'LockLostError', code: 'LOCK_LOST' } });
    expect(await holder.report()).toEqual({ released: false });
    expect(await scene.keys()).toMatchObject([
      { Key: scene.fullKey(), Session: next.sessionId, ModifyIndex: next.fencingToken },
    ]);
    expect(await next.verify()).toBe(true);
    expect(await next.release()).toBe(true);
  });

  it('still has the lock when it was frozen for less than its TTL in Consul, and released late it says so', async () => {
    await holder.freeze();
    // Consul keeps the key for twice the TTL: the holder is late by its own clock, and first in Consul.
    await new Promise((resolve) => setTimeout(resolve, held.deadline - Date.now() + 20));
    expect(await scene.entry()).toMatchObject({ Session: held.sessionId });
    holder.thaw();
    expect(await holder.ask('write')).toEqual({ error: { name: 'LockLostError', code: 'LOCK_LOST' } });
    expect(await holder.ask('release')).toEqual({ released: false });
    expect(await scene.left()).toEqual({ keys: [], sessions: [] });
  });
});
