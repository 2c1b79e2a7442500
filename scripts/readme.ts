/** Takes the README's samples anew from the examples. */
import { writeFileSync } from 'node:fs';
import { readProjectFile, withSamples } from '../spec/support/readme-samples.ts';

writeFileSync('README.md', withSamples(readProjectFile('README.md')));
