/** Random conditions as trees, with their own evaluation: an independent second opinion about conditions. */
import fc from 'fast-check';

export type ConditionTree =
  string | { readonly operator: '&&' | '||'; readonly left: ConditionTree; readonly right: ConditionTree };

export function anyConditionTree(names: readonly string[] = ['a', 'b', 'c', 'd']): fc.Arbitrary<ConditionTree> {
  return fc.letrec<{ tree: ConditionTree }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(...names),
      fc.record({ operator: fc.constantFrom('&&' as const, '||' as const), left: tie('tree'), right: tie('tree') }),
    ),
  })).tree;
}

export function holds(tree: ConditionTree, names: readonly string[]): boolean {
  if (typeof tree === 'string') return names.includes(tree);
  const left = holds(tree.left, names);
  const right = holds(tree.right, names);
  return tree.operator === '&&' ? left && right : left || right;
}

export function namesIn(tree: ConditionTree): string[] {
  return typeof tree === 'string' ? [tree] : [...new Set([...namesIn(tree.left), ...namesIn(tree.right)])];
}

/** Which names the first branch that holds needs: left before right. */
export function firstSatisfying(tree: ConditionTree, names: readonly string[]): string[] {
  if (typeof tree === 'string') return [tree];
  if (tree.operator === '||') return firstSatisfying(holds(tree.left, names) ? tree.left : tree.right, names);
  return [...new Set([...firstSatisfying(tree.left, names), ...firstSatisfying(tree.right, names)])];
}

/** Text of the tree; `style` chooses spaces and superfluous parentheses. */
export function written(tree: ConditionTree, style: Iterator<number>): string {
  const choice = Number(style.next().value ?? 0);
  const space = ['', ' ', '\t', '  \n'][choice] ?? '';
  const wrap = (text: string): string => (choice === 3 ? `( ${text})` : text);
  if (typeof tree === 'string') return wrap(tree);
  const operand = (side: ConditionTree): string => {
    const needsParentheses = typeof side !== 'string' && side.operator === '||' && tree.operator === '&&';
    return needsParentheses ? `(${written(side, style)})` : written(side, style);
  };
  return wrap(`${operand(tree.left)}${space}${tree.operator}${space}${operand(tree.right)}`);
}
