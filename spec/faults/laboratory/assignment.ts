/** What a contender's process is started with. */
export interface Assignment {
  readonly process: string;
  readonly seed: number;
  /** Of its line to Consul. */
  readonly address: string;
  /** Names what belongs to this run: its sessions, and the folder of its keys. */
  readonly run: string;
  readonly journal: string;
}

export function fullKeyOf(run: string, key: string): string {
  return `locks/${run}/${key}`;
}

export function registerOf(run: string, key: string): string {
  return `registers/${run}/${key}`;
}
