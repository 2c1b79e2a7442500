import { parseArgs } from 'node:util';
import { defaults } from '../index.ts';
import { formatDuration, parseDuration } from './duration.ts';
import { UsageError } from './exit-codes.ts';
import { HELP } from './help.ts';
import { nearest } from './nearest.ts';
import { printable } from './printable.ts';

export interface RunArguments {
  readonly name: 'run';
  readonly key: string;
  readonly acquireTimeoutMs: number;
  /** Undefined: the library's default. */
  readonly lockTimeoutMs: number | undefined;
  readonly renew: boolean;
  readonly command: string;
  readonly args: readonly string[];
}

export interface ListArguments {
  readonly name: 'ls';
  readonly prefix: string;
  readonly json: boolean;
}

export interface ShowArguments {
  readonly name: 'show';
  readonly key: string;
  readonly json: boolean;
}

export interface BreakArguments {
  readonly name: 'break';
  readonly key: string;
  readonly yes: boolean;
}

export type Arguments =
  | RunArguments
  | ListArguments
  | ShowArguments
  | BreakArguments
  | { readonly name: 'help'; readonly text: string }
  | { readonly name: 'version' };

const COMMANDS = ['run', 'ls', 'show', 'break'] as const;
type CommandName = (typeof COMMANDS)[number];

/** Throws a `UsageError` that says what to do instead. */
export function parseArguments([name, ...args]: readonly string[]): Arguments {
  if (name === '--help' || name === '-h' || name === 'help') return help(args[0]);
  if (name === '--version') return { name: 'version' };
  if (name === undefined) throw wrong('a command is missing');
  if (!isCommandName(name)) {
    throw wrong(`unknown command "${name}"`, undefined, nearest(name, [...COMMANDS, 'help']));
  }
  switch (name) {
    case 'run':
      return parseRun(args);
    case 'ls':
      return parseList(args);
    case 'show':
      return parseShow(args);
    case 'break':
      return parseBreak(args);
  }
}

function help(about: string | undefined): Arguments {
  if (about === undefined) return { name: 'help', text: HELP.main };
  if (!isCommandName(about)) throw wrong(`unknown command "${about}"`, undefined, nearest(about, COMMANDS));
  return { name: 'help', text: HELP[about] };
}

function isCommandName(name: string): name is CommandName {
  return (COMMANDS as readonly string[]).includes(name);
}

function parseRun(args: readonly string[]): Arguments {
  const end = args.indexOf('--');
  const own = end < 0 ? args : args.slice(0, end);
  const { values, positionals } = parse('run', own, {
    timeout: { type: 'string' },
    ttl: { type: 'string' },
    renew: { type: 'boolean' },
  });
  if (values['help'] === true) return { name: 'help', text: HELP.run };
  const [key, ...others] = positionals;
  if (key === undefined) throw wrong('a key is missing', 'run');
  if (others.length > 0) throw wrong('the command comes after "--", and one key before it', 'run');
  const [command, ...commandArgs] = end < 0 ? [] : args.slice(end + 1);
  if (command === undefined) throw wrong('a command is missing after "--"', 'run');
  const lockTimeoutMs = values['ttl'] === undefined ? undefined : duration('--ttl', values['ttl'] as string);
  if (lockTimeoutMs !== undefined) assertTtl(lockTimeoutMs);
  return {
    name: 'run',
    key,
    acquireTimeoutMs: patience(values['timeout'] as string | undefined),
    lockTimeoutMs,
    renew: values['renew'] === true,
    command,
    args: commandArgs,
  };
}

function parseList(args: readonly string[]): Arguments {
  const { values, positionals } = parse('ls', args, { json: { type: 'boolean' } });
  if (values['help'] === true) return { name: 'help', text: HELP.ls };
  const [prefix = '', ...others] = positionals;
  if (others.length > 0) throw wrong('at most one prefix', 'ls');
  return { name: 'ls', prefix, json: values['json'] === true };
}

function parseShow(args: readonly string[]): Arguments {
  const { values, positionals } = parse('show', args, { json: { type: 'boolean' } });
  if (values['help'] === true) return { name: 'help', text: HELP.show };
  return { name: 'show', key: onlyKey('show', positionals), json: values['json'] === true };
}

function parseBreak(args: readonly string[]): Arguments {
  const { values, positionals } = parse('break', args, { yes: { type: 'boolean', short: 'y' } });
  if (values['help'] === true) return { name: 'help', text: HELP.break };
  return { name: 'break', key: onlyKey('break', positionals), yes: values['yes'] === true };
}

type Options = Readonly<Record<string, { type: 'string' | 'boolean'; short?: string }>>;

function parse(
  command: CommandName,
  args: readonly string[],
  options: Options,
): { values: Record<string, unknown>; positionals: string[] } {
  const all: Options = { ...options, help: { type: 'boolean', short: 'h' } };
  try {
    return parseArgs({ args: [...args], options: all, allowPositionals: true });
  } catch (error) {
    const { message, code } = error as Error & { code?: string };
    if (code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') throw wrong(message.replace(/\.?\n.*/s, ''), command);
    const option = /'(--?[^']*)'/.exec(message)![1]!;
    const known = Object.keys(all).map((name) => `--${name}`);
    throw wrong(`unknown option ${option}`, command, nearest(option, known));
  }
}

function onlyKey(command: CommandName, [key, ...others]: readonly string[]): string {
  if (key === undefined) throw wrong('a key is missing', command);
  if (others.length > 0) throw wrong('only one key', command);
  return key;
}

function patience(text: string | undefined): number {
  if (text === undefined) return 0;
  return text === 'inf' ? Infinity : duration('--timeout', text, ', or inf');
}

function duration(option: string, text: string, others = ''): number {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  throw wrong(`${option} must be a duration like 500ms, 30s, 5m or 1h${others}; got "${text}"`, 'run');
}

/** The library checks it too, and has other words for it. */
function assertTtl(ttlMs: number): void {
  const { minLockTimeoutMs } = defaults;
  if (ttlMs >= minLockTimeoutMs! && ttlMs <= 86_400_000) return;
  throw wrong(
    `--ttl must be from ${formatDuration(minLockTimeoutMs!)} to 24h; got ${formatDuration(ttlMs)}`,
    'run',
  );
}

function wrong(what: string, command?: CommandName, meant?: string): UsageError {
  const words = meant === undefined ? what : `${what}; did you mean ${meant}?`;
  return new UsageError(
    `${printable(words)} (see consul-lock ${command === undefined ? '' : `${command} `}--help)`,
  );
}
