import { PassThrough } from 'node:stream';
import type { Streams } from '../../lib/cli/streams.ts';

/** Standard streams in memory. */
export class FakeStreams implements Streams {
  readonly stdin: PassThrough & { isTTY?: boolean } = new PassThrough();
  readonly stdout: PassThrough & { isTTY?: boolean } = new PassThrough();
  readonly stderr: PassThrough & { isTTY?: boolean } = new PassThrough();
  output = '';
  words = '';

  constructor({ isTTY = false } = {}) {
    for (const stream of [this.stdin, this.stdout, this.stderr]) stream.isTTY = isTTY;
    this.stdout.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    this.stderr.setEncoding('utf8').on('data', (text: string) => (this.words += text));
  }
}
