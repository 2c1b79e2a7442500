import type { ContestantName } from '../contestants/open-contestant.ts';
import type { Achieved } from './results.ts';
import { shown } from './table.ts';

const ROWS = ['busy-loop', '1x50', '4x10', '32x1'] as const;
const LEGEND: readonly { readonly contestant: ContestantName; readonly text: string; readonly x: number }[] =
  [
    { contestant: 'consul-lock', text: 'consul-lock', x: 180 },
    { contestant: 'hand-written', text: 'hand-written on the consul client', x: 300 },
    { contestant: 'redlock', text: 'redlock on Redis', x: 560 },
    { contestant: 'etcd3', text: 'etcd3 on etcd', x: 710 },
  ];
const WIDTH = 900;
const TOP = 76;
const BAR = 13;
const GAP = 16;
const PANELS = [
  { left: 180, width: 290, title: 'locks per second (more is better)', figure: 'locksPerSecond' },
  { left: 560, width: 280, title: 'raft entries per lock (fewer is better)', figure: 'entriesPerLock' },
] as const;
type Panel = (typeof PANELS)[number];

/** Readable on light and on dark pages, which an image is told of by the reader's own setting. */
const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; }
  .value, .note { font-size: 11px; fill: #59636e; }
  .limit { stroke: #1f2328; stroke-width: 1.5; stroke-dasharray: 3 2; }
  .consul-lock { fill: #0969da; } .hand-written { fill: #afb8c1; } .redlock { fill: #e16f24; } .etcd3 { fill: #2da44e; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .value, .note { fill: #9198a1; } .limit { stroke: #e6edf3; }
    .consul-lock { fill: #4493f8; } .hand-written { fill: #656c76; } .redlock { fill: #f0883e; } .etcd3 { fill: #3fb950; }
  }`;

/** One row of the chart: those who were measured, in the order of the benchmark. */
interface Group {
  readonly title: string;
  readonly bars: readonly Achieved[];
  readonly top: number;
}

/** Locks per second and raft entries per lock, as bars; empty when none of its rows was measured. */
export function chart(achieved: readonly Achieved[], titleOf: (row: string) => string): string {
  const groups = groupsOf(achieved, titleOf);
  if (groups.length === 0) return '';
  const last = groups.at(-1)!;
  const height = last.top + last.bars.length * BAR + 34;
  const contestants = [...new Set(groups.flatMap(({ bars }) => bars.map(({ contestant }) => contestant)))];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="Locks per second and raft entries per lock">`,
    `<style>${STYLE}\n</style>`,
    ...legend(contestants),
    ...groups.map(({ title, top, bars }) => lines(title, top + (bars.length * BAR) / 2)),
    ...PANELS.flatMap((panel) => panelOf(panel, groups)),
    `<text class="note" x="${PANELS[0].left}" y="${height - 8}">One Consul server, its data on disk. Dashed: what raw keep-alive requests achieve, a single write for each lock (one caller: two).</text>`,
    '</svg>\n',
  ].join('\n');
}

function groupsOf(achieved: readonly Achieved[], titleOf: (row: string) => string): Group[] {
  let top = TOP;
  return ROWS.flatMap((row) => {
    const bars = achieved.filter((one) => one.row === row && one.figures.locksPerSecond !== undefined);
    if (bars.length === 0) return [];
    const group = { title: titleOf(row), bars, top };
    top += bars.length * BAR + GAP;
    return [group];
  });
}

function panelOf({ left, width, title, figure }: Panel, groups: readonly Group[]): string[] {
  const values = groups.flatMap(({ bars }) => bars.map(({ figures }) => figures[figure] ?? 0));
  const limits = groups.map(({ bars }) => (figure === 'locksPerSecond' ? limitOf(bars) : undefined));
  const most = Math.max(...values, ...limits.map((limit) => limit ?? 0));
  const x = (value: number): number => left + (value / most) * width;
  return [
    `<text class="title" x="${left}" y="${TOP - 16}">${title}</text>`,
    ...groups.flatMap(({ bars, top }, place) => {
      const limit = limits[place];
      return [
        ...bars.map((bar, index) =>
          barOf(bar.contestant, bar.figures[figure], { left, x, limit, top: top + index * BAR }),
        ),
        limit === undefined
          ? ''
          : `<path class="limit" d="M${round(x(limit))} ${top - 3}V${top + bars.length * BAR + 1}"/>`,
      ].filter(Boolean);
    }),
  ];
}

function barOf(
  contestant: ContestantName,
  value: number | undefined,
  {
    left,
    x,
    limit = 0,
    top,
  }: { left: number; x: (value: number) => number; limit?: number | undefined; top: number },
): string {
  const base = top + BAR - 4;
  if (value === undefined) return `<text class="value" x="${left}" y="${base}">–</text>`;
  const end = Math.max(left + 1, x(value));
  // The figure stands beyond the line of the limit rather than under it.
  const beside = limit > 0 && x(limit) >= end - 2 && x(limit) < end + 40 ? x(limit) : end;
  return (
    `<rect class="${contestant}" x="${left}" y="${top}" width="${round(end - left)}" height="${BAR - 2}" rx="1.5"/>` +
    `<text class="value" x="${round(beside + 5)}" y="${base}">${shown(value)}</text>`
  );
}

/** The rate of raw requests, which was measured as a time where only one caller is at work. */
function limitOf(bars: readonly Achieved[]): number | undefined {
  const ours = bars.find(({ contestant }) => contestant === 'consul-lock');
  if (ours?.figures.limit === undefined) return undefined;
  return ours.row === 'busy-loop' ? 1_000 / ours.figures.limit : ours.figures.limit;
}

function legend(contestants: readonly ContestantName[]): string[] {
  return LEGEND.filter(({ contestant }) => contestants.includes(contestant)).map(
    ({ contestant, text, x }) =>
      `<rect class="${contestant}" x="${x}" y="14" width="11" height="11" rx="2"/><text x="${x + 17}" y="24">${text}</text>`,
  );
}

/** A title of two parts on two lines, beside the middle of its bars. */
function lines(title: string, middle: number): string {
  const [first = '', second] = title.split(', ');
  const x = PANELS[0].left - 12;
  if (second === undefined) return `<text x="${x}" y="${middle + 4}" text-anchor="end">${first}</text>`;
  return (
    `<text x="${x}" y="${middle - 3}" text-anchor="end">${first}</text>` +
    `<text class="note" x="${x}" y="${middle + 11}" text-anchor="end">${second}</text>`
  );
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
