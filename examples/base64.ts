/** Consul's transactions carry values in base64. */
export function toBase64(text: string): string {
  return Buffer.from(text).toString('base64');
}

export function fromBase64(value: string | null | undefined): string {
  return Buffer.from(value ?? '', 'base64').toString();
}
