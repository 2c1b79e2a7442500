import { styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];

const inColour = process.stdout.isTTY && process.stdout.hasColors();

/** Styles the text where standard output shows colours: Node 20 does not look before it styles. */
export function paint(format: Format, text: string): string {
  return inColour ? styleText(format, text) : text;
}

export function seconds(ms: number, digits = 1): string {
  return `${(ms / 1_000).toFixed(digits)} s`;
}
