import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Link, LinkedList } from '../../lib/linked-list.ts';

describe('a linked list', () => {
  it('has what has come and not left, in the order in which it came', () => {
    const steps = fc.array(fc.oneof(fc.constant('add' as const), fc.constant('shift' as const), fc.nat(20)));
    fc.assert(
      fc.property(steps, (all) => {
        const list = new LinkedList<number>();
        const links: Link<number>[] = [];
        let expected: number[] = [];
        for (const step of all) {
          const link = typeof step === 'number' ? links[step] : undefined;
          let [went, isToGo]: [unknown, unknown] = [undefined, undefined];
          if (step === 'add') {
            links.push(list.add(links.length));
            expected.push(links.length - 1);
          } else if (step === 'shift') {
            [went, isToGo] = [list.shift(), expected.shift()];
          } else if (link) {
            [went, isToGo] = [list.remove(link), expected.includes(step)];
            expected = expected.filter((value) => value !== step);
          }
          expect(went).toBe(isToGo);
          expect(list.toArray()).toEqual(expected);
          expect([list.first, list.last, list.isEmpty]).toEqual([
            expected.at(0),
            expected.at(-1),
            expected.length === 0,
          ]);
        }
      }),
    );
  });

  it('has nothing that has left refer to another', () => {
    const list = new LinkedList<string>();
    const [, link] = [list.add('a'), list.add('b'), list.add('c')];
    list.remove(link);
    expect(link).toEqual({ value: 'b', isIn: false, previous: undefined, next: undefined });
  });
});
