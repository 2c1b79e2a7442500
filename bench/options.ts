import { parseArgs } from 'node:util';
import type { Row } from './rows.ts';

const USAGE =
  'npm run bench -- [--runs 5] [--seconds 10] [--only row,row] [--peers]\n' +
  '  --runs     how often everything is measured; the figures are the medians of all runs\n' +
  '  --seconds  how long each contest takes\n' +
  '  --only     only these rows\n' +
  '  --peers    redlock on Redis and etcd3 on etcd too';

export interface BenchOptions {
  readonly runs: number;
  readonly seconds: number;
  readonly rows: readonly Row[];
  readonly withPeers: boolean;
}

/** Throws a `RangeError` that tells the usage. */
export function benchOptions(args: readonly string[], rows: readonly Row[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '10' },
      only: { type: 'string' },
      peers: { type: 'boolean', default: false },
    },
  });
  const [runs, seconds] = [Number(values.runs), Number(values.seconds)];
  const only = values.only?.split(',') ?? rows.map(({ name }) => name);
  const unknown = only.filter((name) => !rows.some((row) => row.name === name));
  if (!(Number.isSafeInteger(runs) && runs > 0 && seconds > 0) || unknown.length > 0) {
    const names = rows.map(({ name }) => name).join(', ');
    throw new RangeError(`${USAGE}\nThe rows are: ${names}.`);
  }
  return { runs, seconds, rows: rows.filter(({ name }) => only.includes(name)), withPeers: values.peers };
}
