import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Whether all threads of the process are stopped; where the system does not tell, we believe it. */
export function isStopped(pid: number): boolean {
  const tasks = `/proc/${pid}/task`;
  if (!existsSync(tasks)) return true;
  return readdirSync(tasks).every((task) => threadState(`${tasks}/${task}/stat`) === 'T');
}

/** Whether the process is still there; a zombie, which only waits to be reaped, is not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const stat = `/proc/${pid}/stat`;
  return !existsSync(stat) || threadState(stat) !== 'Z';
}

function threadState(file: string): string {
  try {
    const stat = readFileSync(file, 'utf8');
    // The name before the state is in parentheses and may itself hold spaces and parentheses.
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
  } catch {
    return 'Z';
  }
}
