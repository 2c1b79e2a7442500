/** Takes the samples of the README and of docs/ anew from the examples. */
import { writeFileSync } from 'node:fs';
import { documents, readProjectFile, withSamples } from '../spec/support/readme-samples.ts';

for (const document of documents()) {
  const before = readProjectFile(document);
  const after = withSamples(before);
  if (after !== before) writeFileSync(document, after);
}
