import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const existing = new Set<string>();
process.on('exit', () => {
  for (const folder of existing) rmSync(folder, { recursive: true, force: true });
});

/** A folder that ends with this process at the latest, unless that is killed by SIGKILL. */
export async function createTemporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'consul-lock-'));
  existing.add(folder);
  return folder;
}

export async function removeTemporaryFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  existing.delete(folder);
}
