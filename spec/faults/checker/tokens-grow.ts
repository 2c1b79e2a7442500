import type { HandleRecord } from './handles.ts';
import type { Violation } from './violation.ts';

/** Rule b: when the answer to one came before the attempt of another was sent, its token is smaller. */
export function tokensGrow(handles: readonly HandleRecord[]): Violation[] {
  const keys = new Set(handles.flatMap((handle) => handle.keys));
  return Array.from(keys, (key) => tokensOfKey(key, handles)).flat();
}

interface KnownToken {
  readonly id: string;
  readonly token: number;
  /** By when its holder had it. */
  readonly at: number;
}

function tokensOfKey(key: string, handles: readonly HandleRecord[]): Violation[] {
  const onKey = handles.filter(({ keys, acquired }) => acquired && keys.includes(key));
  // A rewriting of the lock's own value moves the token, so later looks count too.
  const known: KnownToken[] = onKey
    .flatMap(({ id, acquired, samples }) =>
      [acquired!, ...samples].map(({ token, at }) => ({ id, token, at })),
    )
    .toSorted((one, other) => one.at - other.at);
  const violations: Violation[] = [];
  let next = 0;
  let highest: KnownToken | undefined;
  for (const { id, begun, acquired } of onKey.toSorted((one, other) => one.begun - other.begun)) {
    for (; next < known.length && known[next]!.at < begun; next++) {
      if (!highest || known[next]!.token > highest.token) highest = known[next];
    }
    if (!highest || acquired!.token > highest.token) continue;
    const what = `${id} got token ${acquired!.token} of ${key}, and ${highest.id} had ${highest.token} before it asked`;
    violations.push({ rule: 'b', at: acquired!.at, what });
  }
  return violations;
}
