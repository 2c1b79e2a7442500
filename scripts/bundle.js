/** Bundles lib/ into dist/: the package as one file, and beside it the command, which imports that file. */
import { chmodSync } from 'node:fs';
import { build } from 'esbuild';

const shared = {
  bundle: true,
  packages: 'external',
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  outdir: 'dist',
  sourcemap: true,
  sourcesContent: true,
  logLevel: 'info',
};

/** What the package has once in a process, it would otherwise have twice: its settings, and what is held. */
const packageFromOutside = {
  name: 'package-from-outside',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\.?\/index\.ts$/ }, () => ({ path: './index.js', external: true }));
  },
};

await build({ ...shared, entryPoints: ['lib/index.ts', 'lib/testing/index.ts'] });
await build({ ...shared, entryPoints: ['lib/cli.ts'], plugins: [packageFromOutside] });
chmodSync('dist/cli.js', 0o755);
