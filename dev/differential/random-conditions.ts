/** Conditions of triggers, some of them wrong. All names are valid for Argo Events. */
import fc from 'fast-check';

const NAMES = ['a', 'b', 'c', 'long_name'] as const;

const { tree } = fc.letrec<{ tree: string }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<string>(...NAMES),
    fc.tuple(tie('tree'), fc.constantFrom('&&', '||', ' && ', ' || '), tie('tree')).map((parts) => parts.join('')),
    tie('tree').map((inner) => `(${inner})`),
  ),
}));

const wrong = fc.constantFrom('a &&', '&& a', 'a b', '(a', 'a)', 'a & b', '!a', 'other', 'a && other', '()', 'a || ');

export const conditions = fc.record({
  expression: fc.oneof({ weight: 12, arbitrary: tree }, { weight: 1, arbitrary: wrong }),
  names: fc.constant<readonly string[]>(NAMES),
  present: fc.subarray<string>([...NAMES]),
});
