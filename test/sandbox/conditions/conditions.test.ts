import fc from 'fast-check';
import {
  conditionDependencies,
  defaultCondition,
  evaluateCondition,
  formatCondition,
  isConditionName,
  joinsDependencies,
  MAX_CONDITION_DEPTH,
  parseCondition,
  parseTriggerCondition,
  remainingCondition,
  satisfyingDependencies,
} from '../../../src/sandbox/conditions/conditions';
import { anyConditionTree, holds, written } from './condition-trees';
import { errorOf } from '../../matching/error-of';

const holding = (...names: string[]) => {
  const set = new Set(names);
  return (name: string): boolean => set.has(name);
};

describe('conditions - grammar', () => {
  it.each([
    ['a', 'a'],
    ['  a  ', 'a'],
    ['a&&b', 'a && b'],
    ['a && b || c', 'a && b || c'],
    ['a || b && c', 'a || b && c'],
    ['(a || b) && c', '(a || b) && c'],
    ['((a)) && (b && (c))', 'a && b && c'],
    ['a ||\n\tb', 'a || b'],
    ['stac.item-created && 2nd_dep', 'stac.item-created && 2nd_dep'],
    ['in && or || and', 'in && or || and'],
    ['été && 雨', 'été && 雨'],
    ['a-b && a_b', 'a-b && a_b'],
  ])('reads %j as %j', (text, expected) => {
    expect(formatCondition(parseCondition(text))).toBe(expected);
  });

  it('binds && tighter than ||, as Argo Events does', () => {
    const condition = parseCondition('a || b && c');
    expect(evaluateCondition(condition, holding('a'))).toBe(true);
    expect(evaluateCondition(condition, holding('b'))).toBe(false);
    expect(evaluateCondition(condition, holding('b', 'c'))).toBe(true);
  });

  it.each([
    ['', 1],
    ['   ', 4],
    ['a &&', 5],
    ['&& a', 1],
    ['a & b', 3],
    ['a | b', 3],
    ['!a', 1],
    ['a and b', 3],
    ['a b', 3],
    ['(a', 3],
    ['a)', 2],
    ['()', 2],
    ['a && || b', 6],
    ['a == b', 3],
    ['a && "b"', 6],
  ])('rejects %j and names position %d', (text, position) => {
    expect(errorOf(() => parseCondition(text))).toMatchObject({
      code: 'EXPRESSION_INVALID',
      context: { condition: text, position },
    });
  });

  it('rejects an unknown dependency', () => {
    expect(errorOf(() => parseTriggerCondition('a && typo', ['a', 'b']))).toMatchObject({
      code: 'EXPRESSION_INVALID',
      context: { dependency: 'typo' },
    });
  });

  it.each([undefined, '', '  '])('uses all dependencies if the condition is %j', (text) => {
    expect(formatCondition(parseTriggerCondition(text, ['a', 'b', 'c']))).toBe('a && b && c');
  });

  it('accepts a single dependency with any name', () => {
    expect(defaultCondition(['any name (odd)'])).toEqual({ kind: 'dependency', name: 'any name (odd)' });
    expect(isConditionName('any name (odd)')).toBe(false);
    expect(isConditionName('7.odd-Name')).toBe(true);
  });

  it('reads a long condition of 5,000 dependencies', () => {
    const names = Array.from({ length: 5000 }, (_, index) => `dep-${index}`);
    const condition = parseCondition(names.map((name) => `(${name} || other)`).join(' && '));
    expect(conditionDependencies(condition)).toHaveLength(5001);
    expect(evaluateCondition(condition, holding(...names))).toBe(true);
  });

  it('parses nesting up to the limit and rejects deeper nesting instead of overflowing', () => {
    const nested = (depth: number): string => `${'('.repeat(depth)}a${')'.repeat(depth)}`;
    expect(formatCondition(parseCondition(nested(MAX_CONDITION_DEPTH)))).toBe('a');
    expect(errorOf(() => parseCondition(nested(100_000)))).toMatchObject({ code: 'EXPRESSION_INVALID' });
  });
});

describe('conditions - meaning', () => {
  it.each([
    ['a', false],
    ['a || b', false],
    ['a && b', true],
    ['(a && b) || c', true],
    ['a || (b || c && d)', true],
  ])('%j needs state: %j', (text, expected) => {
    expect(joinsDependencies(parseCondition(text))).toBe(expected);
  });

  it.each([
    ['a && b', ['a'], undefined],
    ['a && b', ['a', 'b', 'c'], ['a', 'b']],
    ['(a && b) || c', ['a', 'c'], ['c']],
    ['a && (b || c)', ['a', 'b', 'c'], ['a', 'b']],
    ['a && a', ['a'], ['a']],
  ])('%j with %j is satisfied by %j', (text, present, expected) => {
    expect(satisfyingDependencies(parseCondition(text), holding(...present))).toEqual(expected);
  });

  it.each([
    ['a && b', [], 'a && b'],
    ['a && b && c', ['b'], 'a && c'],
    ['a && (b || c)', ['a'], 'b || c'],
    ['a && (b || c)', ['b'], 'a'],
    ['(a && b) || (a && c)', ['a'], 'b || c'],
    ['a && b', ['a', 'b'], undefined],
  ])('fires %j with %j and leaves %j', (text, present, expected) => {
    const left = remainingCondition(parseCondition(text), holding(...present));
    expect(left && formatCondition(left)).toBe(expected);
  });

  it('means the same as the tree it was generated from, in any spelling', () => {
    fc.assert(
      fc.property(
        anyConditionTree(),
        fc.infiniteStream(fc.nat(3)),
        fc.subarray(['a', 'b', 'c', 'd']),
        (tree, style, has) => {
          const condition = parseCondition(written(tree, style));
          expect(evaluateCondition(condition, holding(...has))).toBe(holds(tree, has));
          expect(parseCondition(formatCondition(condition))).toEqual(condition);
          const satisfying = satisfyingDependencies(condition, holding(...has));
          expect(satisfying !== undefined).toBe(holds(tree, has));
          if (satisfying) expect(holds(tree, satisfying)).toBe(true);
        },
      ),
    );
  });
});
