import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** Tells a process from a later one with the same number. */
  readonly startedAt: string;
}

/** All processes that run; a zombie, which only waits to be reaped, does not. Empty where the system does not tell. */
export function runningProcesses(): Process[] {
  if (existsSync('/proc/self/stat')) {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => processOfStat(contentOf(`/proc/${pid}/stat`)) ?? []);
  }
  return processesOfPs(outputOf('ps', ['-A', '-o', 'pid=,ppid=,pgid=,stat=,lstart=']));
}

/** Whether what is typed as Ctrl-C on the terminal reaches this process from there. */
export function isInForeground(): boolean {
  if (existsSync('/proc/self/stat')) {
    const { group, foregroundGroup } = fieldsOf(readFileSync('/proc/self/stat', 'utf8'));
    return group === foregroundGroup;
  }
  const [group, foregroundGroup] = outputOf('ps', ['-o', 'pgid=,tpgid=', '-p', String(process.pid)])
    .trim()
    .split(/\s+/);
  return group === foregroundGroup;
}

/** The process and whatever descends from it, of what runs. */
export function familyOf(pid: number, processes: readonly Process[]): Process[] {
  const family = processes.filter((one) => one.pid === pid);
  const known = new Set([pid]);
  // Numbers start anew at some point, so that a child may have a smaller one than its parent.
  for (let size = 0; size < known.size;) {
    size = known.size;
    for (const one of processes) {
      if (known.has(one.pid) || !known.has(one.parent)) continue;
      known.add(one.pid);
      family.push(one);
    }
  }
  return family;
}

export function processOfStat(stat: string): Process | undefined {
  if (stat === '') return undefined;
  const { pid, parent, group, state, startedAt } = fieldsOf(stat);
  return state === 'Z' || state === 'X' ? undefined : { pid, parent, group, startedAt };
}

function fieldsOf(stat: string): Process & { state: string; foregroundGroup: number } {
  // The name between pid and state is in parentheses, and may itself hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    pid: Number.parseInt(stat, 10),
    state: fields[0]!,
    parent: Number(fields[1]),
    group: Number(fields[2]),
    foregroundGroup: Number(fields[5]),
    startedAt: fields[19]!,
  };
}

export function processesOfPs(output: string): Process[] {
  return output.split('\n').flatMap((line) => {
    const [, pid, parent, group, state, startedAt] =
      /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    if (pid === undefined || state!.startsWith('Z')) return [];
    return { pid: Number(pid), parent: Number(parent), group: Number(group), startedAt: startedAt! };
  });
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // It has ended meanwhile.
    return '';
  }
}

function outputOf(command: string, args: readonly string[]): string {
  return spawnSync(command, args, { encoding: 'utf8' }).stdout ?? '';
}
