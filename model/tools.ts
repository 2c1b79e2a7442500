import { join } from 'node:path';
import { unpackedProgram } from '../bench/servers/debian-packages.ts';
import { projectFolder } from '../spec/support/consul-server/project-folder.ts';
import { runCommand } from '../spec/support/consul-server/run-command.ts';

/** A program, and what has to stand before its own arguments. */
export interface Program {
  readonly file: string;
  readonly args: readonly string[];
}

export interface Tools {
  readonly spin: Program;
  readonly compiler: string;
}

const COMPILERS = ['cc', 'gcc', 'clang'];

/** Rejects with what is missing, and how to get it. */
export async function findTools(): Promise<Tools> {
  const compiler = await findCompiler();
  return { compiler, spin: await findSpin() };
}

/** Runs it with arguments of its own; resolves to what it printed. */
export async function run(
  { file, args: before }: Program,
  args: readonly string[],
  cwd?: string,
): Promise<string> {
  return await runCommand(file, [...before, ...args], {
    timeoutMs: 60_000,
    ...(cwd !== undefined && { cwd }),
  });
}

async function findCompiler(): Promise<string> {
  for (const compiler of COMPILERS) {
    if (await works({ file: compiler, args: [] }, '--version')) return compiler;
  }
  throw new Error(
    `spin makes C of the model, and there is no compiler: no ${COMPILERS.join(', ')} on the PATH. ` +
      'On Debian and Ubuntu: apt-get install gcc libc6-dev',
  );
}

async function findSpin(): Promise<Program> {
  const installed = { file: 'spin', args: [] };
  if (await works(installed, '-V')) return installed;
  try {
    const unpacked = await unpackedProgram('spin', 'spin', join(projectFolder(), 'model/.tools'));
    await run(unpacked, ['-V']);
    return unpacked;
  } catch (error) {
    throw new Error(
      `there is no spin on the PATH, and Debian's package cannot be had: ${(error as Error).message}. ` +
        'On Debian and Ubuntu: apt-get install spin; elsewhere: https://spinroot.com',
      { cause: error },
    );
  }
}

async function works(program: Program, question: string): Promise<boolean> {
  return await run(program, [question]).then(
    () => true,
    () => false,
  );
}
