/** What a command reads and writes: data to standard output, words to standard error. */
export interface Streams {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

/** One line of words. */
export function say({ stderr }: Streams, words: string): void {
  stderr.write(`consul-lock: ${words}\n`);
}

/** Whether somebody can be asked: sees the question, and can type the answer. */
export function canAsk({ stdin, stderr }: Streams): boolean {
  return stdin.isTTY === true && stderr.isTTY === true;
}

/** Whether we run on a terminal as far as can be seen, whatever of it was redirected. */
export function isOnTerminal({ stdin, stdout, stderr }: Streams): boolean {
  return [stdin, stdout, stderr].some(({ isTTY }) => isTTY === true);
}
