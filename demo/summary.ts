import type { History } from './history.ts';
import { paint, seconds } from './paint.ts';
import type { Finding, Hold } from './proof.ts';

/** The numbers of the whole, for the end. */
export function summary(history: History, end: { ttlMs: number; counter: number }): string {
  const holds = history.holds.toSorted((one, other) => one.from - other.from);
  const longest = history.waits.toSorted((one, other) => other.ms - one.ms)[0];
  const counted = holds.filter(({ wrote }) => wrote !== undefined).length;
  return [
    paint('bold', 'Summary'),
    line('acquisitions', `${holds.length}: ${turnsOfEach(holds)}`),
    line('tokens', `from ${holds[0]?.token ?? '-'} to ${holds.at(-1)?.token ?? '-'}`),
    line('counter', `${end.counter} in Consul, after ${counted} turns that counted`),
    line('longest wait', longest ? `${seconds(longest.ms)} (${longest.who})` : 'none'),
    ...history.deaths.map(({ who, at }) => line('killed', death(holds, who, at, end.ttlMs))),
  ].join('\n');
}

export function verdict(findings: readonly Finding[]): string {
  return [
    paint('bold', 'Proof'),
    ...findings.flatMap(({ claim, evidence, objections }) =>
      objections.length === 0
        ? [`  ${paint('green', '✓')} ${claim.padEnd(44)}${paint('dim', evidence)}`]
        : [
            `  ${paint('red', '✗')} ${claim.padEnd(44)}${evidence}`,
            ...objections.map((objection) => `      ${objection}`),
          ],
    ),
  ].join('\n');
}

function line(name: string, text: string): string {
  return `  ${name.padEnd(14)}${text}`;
}

function turnsOfEach(holds: readonly Hold[]): string {
  const turns = new Map<string, number>();
  for (const { who } of holds) turns.set(who, (turns.get(who) ?? 0) + 1);
  return [...turns].map(([who, count]) => `${who} ${count}`).join(', ');
}

function death(holds: readonly Hold[], who: string, at: number, ttlMs: number): string {
  const index = holds.findIndex((hold) => hold.who === who && hold.end === 'killed');
  const hold = holds[index];
  const next = holds[index + 1];
  if (!hold) return `${who}, while it did not hold`;
  if (!next) return `${who}, and nobody held after it`;
  return (
    `${who}, ${seconds(at - hold.from)} into its turn; its lock stayed taken for ${seconds(next.from - hold.from)}\n` +
    `${' '.repeat(16)}in all: TTL ${seconds(ttlMs)} × 2, for Consul lets a session live for twice its TTL at most`
  );
}
