import { execFile } from 'node:child_process';

export interface RunCommandOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly timeoutMs?: number;
}

/** Resolves to what the command printed; rejects with one readable line that includes its complaint. */
export async function runCommand(
  file: string,
  args: readonly string[],
  { env = process.env, cwd, timeoutMs = 30_000 }: RunCommandOptions = {},
): Promise<string> {
  return await new Promise((resolve, reject) => {
    const options = {
      env,
      timeout: timeoutMs,
      maxBuffer: 16 * 1024 * 1024,
      ...(cwd !== undefined && { cwd }),
    };
    execFile(file, [...args], options, (error, stdout, stderr) => {
      if (!error) resolve(stdout);
      else if (error.code === ('ENOENT' as unknown)) reject(new Error(`there is no ${file} on the PATH`));
      else if (error.killed) reject(new Error(`${file} ${args[0]} took longer than ${timeoutMs} ms`));
      else reject(new Error(`${file} failed: ${stderr.trim().split('\n').at(-1) || error.message}`));
    });
  });
}
