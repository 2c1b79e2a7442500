import Sequencer from '@jest/test-sequencer';

/**
 * Thousands of sequences need a fresh process: each spec file that was run before leaves its asynchronous contexts behind
 * (`AsyncLocalStorage` on Node 20), and every promise that is made from then on has to look at all of them.
 */
export default class PropertiesFirst extends Sequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    const isProperty = ({ path }) => path.includes('/spec/properties/');
    return [...sorted.filter(isProperty), ...sorted.filter((test) => !isProperty(test))];
  }
}
