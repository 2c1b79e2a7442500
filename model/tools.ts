import { join } from 'node:path';
import { unpackedProgram } from '../bench/servers/debian-packages.ts';
import { projectFolder } from '../spec/support/consul-server/project-folder.ts';
import { runCommand, type RunCommandOptions } from '../spec/support/consul-server/run-command.ts';

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

/**
 * Rejects with all that is missing, and how to get it.
 *
 * @param folder - where a spin is kept that was fetched.
 */
export async function findTools({
  env = process.env,
  folder = join(projectFolder(), 'model/.tools'),
}: { env?: NodeJS.ProcessEnv; folder?: string } = {}): Promise<Tools> {
  const [compiler, spin] = await Promise.allSettled([findCompiler(env), findSpin(env, folder)]);
  if (compiler.status === 'fulfilled' && spin.status === 'fulfilled') {
    return { compiler: compiler.value, spin: spin.value };
  }
  const missing = [compiler, spin].flatMap((found) =>
    found.status === 'rejected' ? [(found.reason as Error).message] : [],
  );
  throw new Error(missing.join('\n'));
}

/** Runs it with arguments of its own; resolves to what it printed. */
export async function run(
  { file, args: before }: Program,
  args: readonly string[],
  options: RunCommandOptions = {},
): Promise<string> {
  return await runCommand(file, [...before, ...args], { timeoutMs: 60_000, ...options });
}

async function findCompiler(env: NodeJS.ProcessEnv): Promise<string> {
  for (const compiler of COMPILERS) {
    if (await works({ file: compiler, args: [] }, '--version', env)) return compiler;
  }
  throw new Error(
    `A C compiler is missing, for spin makes C of the model: no ${COMPILERS.join(', ')} on the PATH. ` +
      'On Debian and Ubuntu: apt-get install gcc libc6-dev',
  );
}

async function findSpin(env: NodeJS.ProcessEnv, folder: string): Promise<Program> {
  const installed = { file: 'spin', args: [] };
  if (await works(installed, '-V', env)) return installed;
  try {
    const unpacked = await unpackedProgram('spin', 'spin', folder, env);
    await run(unpacked, ['-V'], { env });
    return unpacked;
  } catch (error) {
    throw new Error(
      `spin is missing: it is not on the PATH, and Debian's package cannot be had: ${(error as Error).message}. ` +
        'On Debian and Ubuntu: apt-get install spin; elsewhere: https://spinroot.com',
      { cause: error },
    );
  }
}

async function works(program: Program, question: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  return await run(program, [question], { env }).then(
    () => true,
    () => false,
  );
}
