import type Consul from 'consul';

/** A session of the kind that a user makes, to be adopted by a lock; undefined when Consul did not answer. */
export async function createOwnSession(
  client: Consul,
  run: string,
  ttlMs: number,
): Promise<string | undefined> {
  const options = {
    ttl: `${ttlMs}ms`,
    lockdelay: '0s',
    behavior: 'delete',
    checks: [],
    // Another name than that of the library's sessions.
    name: `${run} own`,
    timeout: 1_000,
  };
  return await client.session.create(options as never).then(
    ({ ID }) => ID,
    () => undefined,
  );
}

export async function destroyOwnSession(client: Consul, id: string): Promise<void> {
  await client.session.destroy({ id, timeout: 1_000 } as never).catch(() => {});
}
