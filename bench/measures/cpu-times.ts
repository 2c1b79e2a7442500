/** Of the inspector's CPU profile, what is needed of it. */
export interface Profile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: Frame }[];
  /** Ids of nodes. */
  readonly samples?: readonly number[];
  /** In microseconds, each before its sample. */
  readonly timeDeltas?: readonly number[];
}

interface Frame {
  readonly functionName: string;
  readonly url: string;
}

const OWN_FILES = /\/lib\/[^/]+\.js$/;

export const ORIGINS = [
  'in all',
  'consul-lock',
  'consul client',
  'Node',
  'native, system calls',
  'garbage',
] as const;
type Origin = Exclude<(typeof ORIGINS)[number], 'in all'>;

/** How many microseconds were spent in whose code; idle ones do not count. */
export type CpuTimes = Readonly<Record<(typeof ORIGINS)[number], number>>;

export function cpuTimesOf({ nodes, samples = [], timeDeltas = [] }: Profile): CpuTimes {
  const origins = new Map(nodes.map(({ id, callFrame }) => [id, originOf(callFrame)]));
  const spent = Object.fromEntries(ORIGINS.map((name) => [name, 0])) as Record<keyof CpuTimes, number>;
  for (const [place, id] of samples.entries()) {
    const origin = origins.get(id);
    if (origin === undefined) continue;
    for (const name of ['in all', origin] as const) spent[name] += timeDeltas[place] ?? 0;
  }
  return spent;
}

function originOf({ functionName, url }: Frame): Origin | undefined {
  if (functionName === '(idle)') return undefined;
  if (functionName === '(garbage collector)') return 'garbage';
  if (/\/node_modules\/(consul|papi)\//.test(url)) return 'consul client';
  if (url.startsWith('node:')) return 'Node';
  if (url === '') return 'native, system calls';
  return OWN_FILES.test(url) && !url.includes('/node_modules/') ? 'consul-lock' : 'Node';
}
