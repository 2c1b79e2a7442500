import { createRequire } from 'node:module';
import { join } from 'node:path';
import { projectFolder } from '../../spec/support/consul-server/project-folder.ts';

/** A package of bench/package.json, which the project itself knows nothing of: not even its types. */
export function requirePeer<T>(name: string): T {
  return createRequire(join(projectFolder(), 'bench/package.json'))(name) as T;
}
