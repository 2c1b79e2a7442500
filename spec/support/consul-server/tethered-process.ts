import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { runCommand } from './run-command.ts';

const WATCHDOG = `
  process.stdin.resume().on('end', () => {
    try { process.kill(Number(process.argv[1]), 'SIGKILL'); } catch {}
    process.exit();
  });
`;

const living = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

let setprivWorks: Promise<boolean> | undefined;

async function canUseSetpriv(): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  // Some systems have a setpriv that lacks this option.
  return await runCommand('setpriv', ['--pdeathsig', 'KILL', 'true']).then(
    () => true,
    () => false,
  );
}

/**
 * Starts a process that cannot outlive this one, not even when this one ends by SIGKILL and no handler
 * runs: the kernel kills it, or else a watchdog whose standard input closes with our death. Its output
 * goes to the open file `output`, so that no pipe has to be drained or keeps us alive.
 */
export async function spawnTethered(
  file: string,
  args: readonly string[],
  output: number,
): Promise<ChildProcess> {
  setprivWorks ??= canUseSetpriv();
  const byKernel = await setprivWorks;
  const [command, ...rest] = byKernel ? ['setpriv', '--pdeathsig', 'KILL', file, ...args] : [file, ...args];
  const child = spawn(command, rest, { stdio: ['ignore', output, output] });
  await once(child, 'spawn');
  child.unref();
  living.add(child);
  const watchdog = byKernel ? undefined : startWatchdog(child.pid!);
  child.once('exit', () => {
    living.delete(child);
    // First of all: the number of a process that has ended may soon be somebody else's.
    watchdog?.kill('SIGKILL');
  });
  return child;
}

function startWatchdog(pid: number): ChildProcess {
  // Detached: a Ctrl-C in the terminal must not end the watchdog before its ward.
  const watchdog = spawn(process.execPath, ['-e', WATCHDOG, String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watchdog.unref();
  (watchdog.stdin as unknown as { unref(): void }).unref();
  return watchdog;
}
