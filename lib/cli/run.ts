import { EphemeralLock, type LockHandle } from '../index.ts';
import type { RunArguments } from './arguments.ts';
import { Command, GRACE_MS } from './command.ts';
import { EXIT, exitCodeOf, failureOf, Interruption } from './exit-codes.ts';
import { followJobControl } from './job-control.ts';
import { asksToEnd, inEarnest, Signals } from './signals.ts';
import { isOnTerminal, say, type Streams } from './streams.ts';
import { tellWhoHolds } from './waiting-words.ts';

/** Nobody else gets a lost lock while the command may still be ending; twice, as the loss must be noticed first. */
export const LOCK_DELAY_MS = 2 * GRACE_MS;

/** Resolves to the exit code, when the lock is given back or lost. */
export async function run(args: RunArguments, streams: Streams): Promise<number> {
  using signals = new Signals();
  const handle = await acquire(args, streams, signals);
  const onTerminal = isOnTerminal(streams);
  using _jobControl = onTerminal
    ? undefined
    : followJobControl(
        (signal) => command.signal(signal),
        async () => await isOurs(handle),
      );
  signals.listen((signal) => command.pass(signal));
  const command = Command.start({
    command: args.command,
    args: args.args,
    env: { ...process.env, ...environmentOf(handle) },
    isOnTerminal: onTerminal,
  });
  const ending = await Promise.race([command.ended, lossOf(handle)]);
  if (ending === 'lost') {
    say(streams, `${reasonOf(handle, args)}; ending the command`);
    await command.end();
    // Whatever Consul still has of it need not wait for its TTL.
    signals.listen(inEarnest(() => process.exit(EXIT.lost)));
    await handle[Symbol.asyncDispose]();
    return EXIT.lost;
  }
  if (ending.failure !== undefined) say(streams, ending.failure);
  return await giveBack(handle, ending.exitCode, streams, signals);
}

async function acquire(args: RunArguments, streams: Streams, signals: Signals): Promise<LockHandle> {
  const { key, acquireTimeoutMs, lockTimeoutMs, renew } = args;
  const lock = new EphemeralLock(key, { lockTimeoutMs, renew, lockDelayMs: LOCK_DELAY_MS });
  const interrupted = new AbortController();
  const waiting = new AbortController();
  signals.listen((signal) => {
    if (!asksToEnd(signal)) return;
    interrupted.abort(new Interruption(signal));
    signals.listen(inEarnest(() => process.exit(exitCodeOf(signal))));
  });
  if (acquireTimeoutMs > 0 && streams.stderr.isTTY === true) {
    void tellWhoHolds(key, streams, waiting.signal);
  }
  try {
    const handle = await lock.acquire({ acquireTimeoutMs, signal: interrupted.signal });
    if (!interrupted.signal.aborted) return handle;
    await handle[Symbol.asyncDispose]();
    throw interrupted.signal.reason;
  } finally {
    waiting.abort();
  }
}

function environmentOf({ key, sessionId, fencingToken }: LockHandle): NodeJS.ProcessEnv {
  return {
    CONSUL_LOCK_KEY: key,
    CONSUL_LOCK_SESSION: sessionId,
    CONSUL_LOCK_FENCING_TOKEN: String(fencingToken),
  };
}

/** As Consul knows it, and by the clock where Consul cannot tell. */
async function isOurs(handle: LockHandle): Promise<boolean> {
  return await handle.verify().catch(() => handle.isHeld);
}

async function lossOf({ signal }: LockHandle): Promise<'lost'> {
  return await new Promise((resolve) => {
    const onLoss = (): void => resolve('lost');
    if (signal.aborted) onLoss();
    else signal.addEventListener('abort', onLoss, { once: true });
  });
}

function reasonOf({ signal }: LockHandle, { renew }: RunArguments): string {
  const { words } = failureOf(signal.reason);
  return words.endsWith('its time ran out') && !renew ? `${words} (--renew keeps it)` : words;
}

/** Resolves to the exit code: that of the command unless the lock turns out to be lost. */
async function giveBack(
  handle: LockHandle,
  exitCode: number,
  streams: Streams,
  signals: Signals,
): Promise<number> {
  signals.listen(
    inEarnest(() => {
      say(streams, 'the lock is left to its TTL');
      process.exit(exitCode);
    }),
  );
  const leftMs = handle.remainingMs;
  const since = performance.now();
  try {
    if (await handle.release()) return exitCode;
  } catch (error) {
    say(streams, `the lock is left to its TTL: ${failureOf(error).words}`);
    return exitCode;
  }
  // That Consul could be told only too late says nothing against the command, which ended in time.
  if (leftMs > 0 && performance.now() - since >= leftMs) return exitCode;
  say(streams, `the lock was lost before the command ended with ${exitCode}`);
  return EXIT.lost;
}
