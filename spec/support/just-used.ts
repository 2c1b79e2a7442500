import type { LockOptions } from '../../lib/index.ts';
import { termsOf } from '../../lib/lock-terms.ts';
import { checkedLockOptions } from '../../lib/options.ts';
import { sessionPool } from '../../lib/session-pool.ts';
import { resolveSettings } from '../../lib/settings.ts';

/** As if a lock with these options had just been released, so that the session of the next one is kept. */
export function justUsed(options: LockOptions): LockOptions {
  sessionPool.noteRelease(termsOf(resolveSettings(checkedLockOptions(options)), []));
  return options;
}
