/** Filter expressions of event sources. */
import fc from 'fast-check';

const OPERANDS = ['a', 'b', 'list', 'x_y', 'with', 'with.dot', 'missing', 'a.b', 'a?.b', 'list[0]', '1', '2.5', '"a"', 'true', 'nil', '[1, 2]', '{"k": 1}', 'asInt("5")', 'asFloat("1.5")', 'toJson(a)', 'toJson(list)', 'len(list)', 'sprig.upper("x")', 'sprig.trim(" a ")', 'jsonpath(toJson(list), "$[0]")', 'sprig.add(1, 2)', 'string(a)', 'type(a)']; // prettier-ignore
const OPERATORS = ['==', '!=', '<', '<=', '>', '>=', '+', '-', '*', '/', '%', '**', 'and', 'or', '&&', '||', 'in', 'not in', 'contains', 'matches', 'startsWith', 'endsWith', '??', '..']; // prettier-ignore

export const sourceFilters = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(...OPERANDS),
    fc
      .tuple(tie('expression'), fc.constantFrom(...OPERATORS), tie('expression'))
      .map(([left, operator, right]) => `${left} ${operator} ${right}`),
    tie('expression').map((inner) => `(${inner})`),
    tie('expression').map((inner) => `not (${inner})`),
    fc.constantFrom(
      'any(list, {# == 1})',
      'all(list, {# != nil})',
      'len(filter(list, {# > 1})) > 0',
      'sprig.hasPrefix("a", b)',
      'b matches "^S2"',
      'a == nil ? true : b == "a"',
      'sprig.default("d", missing) == "d"',
    ),
  ),
})).expression;
