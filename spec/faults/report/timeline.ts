import { beliefOf, factsOf, handlesOf, type HandleRecord } from '../checker/handles.ts';
import type { Violation } from '../checker/violation.ts';
import { contenderOf, SERVER_FAULTS, type Fact, type FactOf } from '../history/facts.ts';

const ROW = 16;
const LABELS = 90;
const TOP = 46;
const WIDEST = 24_000;
const COLOURS = ['#2f6fab', '#c2571a', '#3c8d40', '#8a4fa3', '#9a7d0a', '#b0306a'];

interface Scale {
  readonly from: number;
  readonly pxPerMs: number;
  readonly width: number;
}

/** A run as a picture: a row for each key and contender, above them the faults, violations across all. */
export function timelineOf(facts: readonly Fact[], violations: readonly Violation[]): string {
  const handles = handlesOf(facts).filter((handle) => beliefOf(handle));
  const contenders = [...new Set(handles.map(({ process }) => contenderOf(process)))].toSorted();
  const keys = [...new Set(handles.flatMap((handle) => handle.keys))].toSorted();
  const scale = scaleOf(facts);
  const lanes = ['cluster', ...contenders.map((name) => `${name} line`), 'processes', 'outsider'];
  const rows = new Map<string, number>();
  let y = TOP;
  for (const lane of lanes) rows.set(lane, (y += ROW));
  y += ROW / 2;
  for (const key of keys) {
    for (const contender of contenders) rows.set(`${key} ${contender}`, (y += ROW));
    y += ROW / 2;
  }
  const height = y + 2 * ROW;
  const healed = new Map(factsOf(facts, 'healed').map(({ number, at }) => [number, at]));
  const { width } = scale;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="10">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    title(facts, violations),
    ...gridOf(scale, height),
    ...Array.from(rows, ([name, top]) => rowOf(name, top, width)),
    ...stoppedOf(facts, keys, rows, scale),
    ...factsOf(facts, 'fault').map((fault) => faultOf(fault, healed, rows, scale)),
    ...factsOf(facts, 'election').map((fact) =>
      line(scale, fact.at, height, '#d9a400', `election, term ${fact.term}`),
    ),
    ...handles.flatMap((handle) => holdOf(handle, contenders, rows, scale)),
    ...violations.map(({ at, rule, what }) => line(scale, at, height, '#f00', `[${rule}] ${what}`)),
    '</svg>',
  ].join('\n');
}

function scaleOf(facts: readonly Fact[]): Scale {
  const [from, to] = [factsOf(facts, 'run')[0]?.at ?? facts[0]?.at ?? 0, facts.at(-1)?.at ?? 1];
  const pxPerMs = Math.min(0.05, (WIDEST - LABELS) / Math.max(1, to - from));
  return { from, pxPerMs, width: Math.ceil(LABELS + (to - from) * pxPerMs + 20) };
}

function x({ from, pxPerMs }: Scale, at: number): number {
  return Math.round(10 * (LABELS + Math.max(0, at - from) * pxPerMs)) / 10;
}

function title(facts: readonly Fact[], violations: readonly Violation[]): string {
  const seed = factsOf(facts, 'run')[0]?.seed;
  const legend =
    'bars: surely held; dark edge: released, red edge: lost; grey: process stopped; yellow: election; red line: violation';
  return `<text x="8" y="16" font-size="13" font-weight="bold">chaos run, seed ${seed}: ${violations.length} violations</text><text x="8" y="31" fill="#555">${legend}</text>`;
}

function gridOf(scale: Scale, height: number): string[] {
  const lines: string[] = [];
  const stepMs = scale.pxPerMs > 0.02 ? 5_000 : 30_000;
  for (let ms = 0; x(scale, scale.from + ms) < scale.width; ms += stepMs) {
    const left = x(scale, scale.from + ms);
    lines.push(
      `<path d="M${left} ${TOP}V${height}" stroke="#e4e4e4"/><text x="${left + 2}" y="${TOP - 2}" fill="#888">${ms / 1_000} s</text>`,
    );
  }
  return lines;
}

function rowOf(name: string, top: number, width: number): string {
  return `<path d="M${LABELS} ${top + 0.5}H${width}" stroke="#f0f0f0"/><text x="8" y="${top - 4}" fill="#333">${name}</text>`;
}

function bar(
  scale: Scale,
  {
    from,
    to,
    top,
    fill,
    tip,
    edge,
  }: { from: number; to: number; top: number; fill: string; tip: string; edge?: string },
): string {
  const left = x(scale, from);
  const width = Math.max(1, x(scale, to) - left).toFixed(1);
  const rect = `<rect x="${left}" y="${top - ROW + 3}" width="${width}" height="${ROW - 4}" fill="${fill}"><title>${escaped(tip)}</title></rect>`;
  if (edge === undefined) return rect;
  return `${rect}<path d="M${x(scale, to)} ${top - ROW + 2}V${top}" stroke="${edge}" stroke-width="1.5"/>`;
}

function line(scale: Scale, at: number, height: number, stroke: string, tip: string): string {
  return `<path d="M${x(scale, at)} ${TOP}V${height}" stroke="${stroke}" stroke-dasharray="3 2"><title>${escaped(tip)}</title></path>`;
}

function holdOf(
  handle: HandleRecord,
  contenders: readonly string[],
  rows: ReadonlyMap<string, number>,
  scale: Scale,
): string[] {
  const contender = contenderOf(handle.process);
  const { from, to } = beliefOf(handle)!;
  const tip = `${handle.id} ${handle.verb} ${handle.keys.join('+')}, token ${handle.acquired!.token}, TTL ${handle.ttlMs} ms, ${(to - from).toFixed(0)} ms`;
  const wasReleased = handle.calls.some(({ call, answer }) => call === 'release' && answer?.value !== false);
  return handle.keys.map((key) =>
    bar(scale, {
      from,
      to,
      top: rows.get(`${key} ${contender}`)!,
      fill: COLOURS[contenders.indexOf(contender) % COLOURS.length]!,
      tip,
      edge: wasReleased ? '#222' : '#e00',
    }),
  );
}

function faultOf(
  { number, fault, target, detail, at }: FactOf<'fault'>,
  healed: ReadonlyMap<number, number>,
  rows: ReadonlyMap<string, number>,
  scale: Scale,
): string {
  const isOfCluster = (SERVER_FAULTS as readonly string[]).includes(fault);
  const isOfProcess = fault.startsWith('contender-');
  const lane = isOfCluster ? 'cluster' : isOfProcess ? 'processes' : `${target} line`;
  const top = rows.get(lane) ?? rows.get('outsider')!;
  const to = healed.get(number) ?? at;
  const label = `${fault} ${isOfCluster || isOfProcess ? target : ''}`;
  return (
    bar(scale, {
      from: at,
      to,
      top,
      fill: isOfCluster ? '#e9b0a8' : '#f3d3a4',
      tip: `${fault} ${target}: ${detail}`,
    }) +
    (scale.pxPerMs > 0.02 ? `<text x="${x(scale, at) + 1}" y="${top - 4}" font-size="8">${label}</text>` : '')
  );
}

/** A process that is stopped or gone, behind all of its contender's rows. */
function stoppedOf(
  facts: readonly Fact[],
  keys: readonly string[],
  rows: ReadonlyMap<string, number>,
  scale: Scale,
): string[] {
  const healed = new Map(factsOf(facts, 'healed').map(({ number, at }) => [number, at]));
  return factsOf(facts, 'fault')
    .filter(({ fault }) => fault.startsWith('contender-'))
    .flatMap(({ number, fault, target, at }) =>
      keys.flatMap((key) => {
        const top = rows.get(`${key} ${target}`);
        if (top === undefined) return [];
        return [
          bar(scale, {
            from: at,
            to: healed.get(number) ?? at,
            top,
            fill: '#ddd',
            tip: `${fault} ${target}`,
          }),
        ];
      }),
    );
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
