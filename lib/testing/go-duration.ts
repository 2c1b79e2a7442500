/** Go's `time.ParseDuration`, which reads the durations of Consul's API. */

const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

const LONGEST = 2n ** 63n - 1n;

/** Nanoseconds; throws with Go's words. */
export function parseGoDuration(text: string): bigint {
  const invalid = new Error(`time: invalid duration ${JSON.stringify(text)}`);
  const sign = text.startsWith('-') ? -1n : 1n;
  let rest = text.replace(/^[+-]/, '');
  if (rest === '0') return 0n;
  if (rest === '') throw invalid;
  let total = 0n;
  while (rest !== '') {
    const [part, whole = '', fraction = '', unit = ''] = /^(\d*)(?:\.(\d*))?([^\d.]*)/.exec(rest) ?? [''];
    if (whole === '' && fraction === '') throw invalid;
    if (unit === '') throw new Error(`time: missing unit in duration ${JSON.stringify(text)}`);
    const nanoseconds = UNITS[unit];
    if (nanoseconds === undefined) {
      throw new Error(`time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`);
    }
    total += BigInt(whole) * nanoseconds + (BigInt(fraction) * nanoseconds) / 10n ** BigInt(fraction.length);
    if (total > LONGEST) throw invalid;
    rest = rest.slice(part.length);
  }
  return sign * total;
}

export function toMs(nanoseconds: bigint): number {
  return Number(nanoseconds) / 1e6;
}
