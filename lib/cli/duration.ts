const UNITS_MS = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;

/** `500ms`, `30s`, `1m30s`, `1.5h`, or 0; undefined for anything else. In whole milliseconds. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(text)) return undefined;
  const parts = text.matchAll(/(?<amount>[\d.]+)(?<unit>ms|s|m|h)/g);
  const ms = Array.from(
    parts,
    ({ groups }) => Number(groups!['amount']) * UNITS_MS[groups!['unit'] as keyof typeof UNITS_MS],
  ).reduce((sum, part) => sum + part, 0);
  return Number.isSafeInteger(Math.round(ms)) ? Math.round(ms) : undefined;
}

/** As `parseDuration` reads it. */
export function formatDuration(ms: number): string {
  let left = ms;
  let text = '';
  for (const [unit, unitMs] of Object.entries(UNITS_MS)) {
    const amount = Math.floor(left / unitMs);
    if (amount > 0) text += `${amount}${unit}`;
    left -= amount * unitMs;
  }
  return text === '' ? '0s' : text;
}

/** How long ago: one number is enough. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 2 * 86_400) return `${Math.floor(seconds / 3_600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
