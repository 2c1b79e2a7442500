#!/usr/bin/env node
import { main } from './cli/main.ts';

// Who reads our output may have seen enough, and a terminal may be closed: what is under way is finished all the same.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

void main(process.argv.slice(2), process).then((exitCode) => {
  process.exitCode = exitCode;
});
