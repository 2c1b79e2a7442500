import type { Scene } from './acts.ts';
import { machineTimeMs } from './clock.ts';
import { paint, seconds } from './paint.ts';
import type { Playbill, View } from './view.ts';

const FRAME_MS = 80;
/** From column to column of a strip, at first. */
const SHORTEST_STEP_MS = 150;
/** What is younger may be incomplete: the contenders' messages take their time. */
const SETTLED_MS = 100;
const STATE_WIDTH = 42;
const BAR_WIDTH = 12;

type Format = Parameters<typeof paint>[0];
type Hold = Scene & { readonly kind: 'holds' };

/** A row for each contender, drawn over and over in its place: what it does, and the strip of what it did. */
export class LiveView implements View {
  readonly #playbill: Playbill;
  readonly #scenes = new Map<string, Scene[]>();
  readonly #holds: Hold[] = [];
  readonly #timer: NodeJS.Timeout;
  #counter = 0;
  #drawn = 0;

  constructor(playbill: Playbill) {
    this.#playbill = playbill;
    for (const who of playbill.cast) this.#scenes.set(who, []);
    this.#timer = setInterval(() => this.#draw(), FRAME_MS);
  }

  show(scene: Scene): void {
    this.#scenes.get(scene.who)!.push(scene);
    if (scene.kind === 'holds') this.#holds.push(scene);
    if (scene.kind === 'leaves') this.#counter = scene.counter ?? this.#counter;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#draw();
  }

  #draw(): void {
    const now = machineTimeMs();
    const { columns } = process.stdout;
    const stepMs = this.#stepMs(now, columns);
    const legend = `█ holds  · waits  × dead, the lock still taken  (a column every ${seconds(stepMs, 2)})`;
    const lines = [
      ...this.#playbill.cast.map((who) => this.#row(who, now, stepMs)),
      '',
      `  ${this.#note() ?? paint('dim', legend)}`,
      `  ${'tokens'.padEnd(8)}${this.#tokenTrail(columns - 12)}`,
      `  ${'counter'.padEnd(8)}${paint('bold', String(this.#counter))}`,
      `  ${'time'.padEnd(8)}${seconds(now - this.#playbill.beganAt)}`,
    ];
    const back = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : '';
    process.stdout.write(`${back}${lines.map((line) => `\r${line}\x1b[K\n`).join('')}`);
    this.#drawn = lines.length;
  }

  #row(who: string, now: number, stepMs: number): string {
    const { text, format } = this.#state(who, now);
    return `  ${paint('bold', who.padEnd(5))} ${paint(format, text.padEnd(STATE_WIDTH))} ${this.#strip(who, now, stepMs)}`;
  }

  #state(who: string, now: number): { text: string; format: Format } {
    const scenes = this.#scenes.get(who)!;
    const scene = scenes.at(-1);
    const holding = openHold(scenes);
    switch (scene?.kind) {
      case undefined:
        return { text: '', format: 'dim' };
      case 'starts':
        return { text: `· starts  as process ${scene.pid}`, format: 'dim' };
      case 'waits':
        return { text: `○ waits   ${seconds(now - scene.at)}`, format: 'yellow' };
      case 'holds':
      case 'reads': {
        const { at, workMs, token } = holding!;
        return { text: `● HOLDS   token ${pad(token)} ${bar((now - at) / workMs)}`, format: 'green' };
      }
      case 'leaves':
        return { text: '● leaves', format: 'green' };
      case 'killed': {
        if (!holding) return { text: '✗ killed  while it did not hold', format: 'dim' };
        const freedAt = this.#nextHoldAfter(scene.at);
        if (freedAt !== undefined) {
          return { text: `✗ killed  freed after ${seconds(freedAt - holding.at)}`, format: 'dim' };
        }
        const left = bar(1 - (now - holding.at) / this.#playbill.stuckMs);
        return { text: `✗ KILLED  token ${pad(holding.token)} ${left} TTL × 2`, format: 'red' };
      }
      case 'lost':
        return { text: `✗ lost    ${scene.reason}`, format: 'red' };
      case 'rests':
        return { text: `· rests   turn ${scene.turns} of ${this.#playbill.turns}`, format: 'dim' };
      case 'done':
        return { text: `✓ done    ${this.#playbill.turns} turns`, format: 'cyan' };
    }
  }

  /** Doubles whenever the strips are full, so that they show the whole. */
  #stepMs(now: number, columns: number): number {
    const width = columns - STATE_WIDTH - 10;
    let stepMs = SHORTEST_STEP_MS;
    while ((now - this.#playbill.beganAt) / stepMs > width) stepMs *= 2;
    return stepMs;
  }

  /** Each column is one instant, so that two holders in one column would be two at once. */
  #strip(who: string, now: number, stepMs: number): string {
    const scenes = this.#scenes.get(who)!;
    let strip = '';
    for (let instant = this.#playbill.beganAt; instant < now - SETTLED_MS; instant += stepMs) {
      strip += this.#mark(
        scenes.filter(({ at }) => at <= instant),
        instant,
      );
    }
    return strip;
  }

  #mark(scenes: readonly Scene[], instant: number): string {
    const scene = scenes.at(-1);
    switch (scene?.kind) {
      case 'waits':
        return paint('dim', '·');
      case 'holds':
      case 'reads':
        return paint('green', '█');
      case 'killed': {
        const isStuck = openHold(scenes) && instant < (this.#nextHoldAfter(scene.at) ?? Infinity);
        return isStuck ? paint('red', '×') : ' ';
      }
      case undefined:
      case 'starts':
      case 'leaves':
      case 'rests':
      case 'lost':
      case 'done':
        return ' ';
    }
  }

  #nextHoldAfter(at: number): number | undefined {
    return this.#holds.find((hold) => hold.at > at)?.at;
  }

  /** Only as long as a dead holder keeps the others out. */
  #note(): string | undefined {
    const dead = [...this.#scenes.values()].find(
      (scenes) => scenes.at(-1)?.kind === 'killed' && openHold(scenes),
    );
    const death = dead?.at(-1);
    if (!death || this.#nextHoldAfter(death.at) !== undefined) return undefined;
    return paint('red', `${death.who} was killed while it held: only the TTL frees the lock now.`);
  }

  #tokenTrail(width: number): string {
    let trail = '';
    for (const { token } of this.#holds.toReversed()) {
      const longer = trail === '' ? String(token) : `${token} < ${trail}`;
      if (longer.length > width) return trail;
      trail = longer;
    }
    return trail;
  }
}

/** The hold that was not left, of a dead contender too. */
function openHold(scenes: readonly Scene[]): Hold | undefined {
  const opened = scenes.findLastIndex(({ kind }) => kind === 'holds');
  const isLeft = scenes.slice(opened + 1).some(({ kind }) => kind === 'leaves');
  return isLeft ? undefined : (scenes[opened] as Hold | undefined);
}

function bar(share: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * BAR_WIDTH);
  return '━'.repeat(full) + '╌'.repeat(BAR_WIDTH - full);
}

function pad(token: number): string {
  return String(token).padEnd(6);
}
