/** jq programs of every shape that plain-jq.ts knows, and some that it does not. */
import fc from 'fast-check';

const PATHS = [
  '.',
  '.a',
  '.b',
  '.a.b',
  '.list',
  '.list[0]',
  '.list[-1]',
  '."eo:cloud_cover"',
  '.["x-y"]',
  '.x_y?',
  '.a["b"]',
  '.list[1].a',
  '.a."with.dot"',
];
const LITERALS = ['1', '2.5', '"x"', 'true', 'null', '"\\u00e9\\n"', '"n \\(.a) m"', '[]', '{}', '10', '-1'];
const FUNCTIONS = ['length', 'tostring', 'tonumber', 'ascii_upcase', 'ascii_downcase', 'fromjson', 'not', 'type', 'keys', 'empty', 'tojson', 'first', 'map(.)', 'map(.a)', 'map(select(. != null))', 'has("a")', 'split("a")', 'join("-")', 'startswith("a")', 'endswith("a")', 'ltrimstr("a")', 'rtrimstr("a")', 'to_entries', '.[]', '.[0]', 'add', 'del(.a)', 'del(.a.b, .list)', 'with_entries(.)', '..', 'env', '.[1:]']; // prettier-ignore
const OPERATORS = ['+', '-', '*', '/', '==', '!=', '<', '>=', 'and', 'or', '//', ',', '|'];

const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(...PATHS),
    fc.constantFrom(...LITERALS),
    fc.tuple(fc.constantFrom(...PATHS), fc.constantFrom(...FUNCTIONS)).map(([path, name]) => `${path} | ${name}`),
    fc
      .tuple(tie('expression'), fc.constantFrom(...OPERATORS), tie('expression'))
      .map(([left, operator, right]) => `${left} ${operator} ${right}`),
    tie('expression').map((inner) => `(${inner})`),
    tie('expression').map((inner) => `[${inner}]`),
    fc
      .tuple(tie('expression'), tie('expression'), tie('expression'))
      .map(([condition, then, otherwise]) => `if ${condition} then ${then} else ${otherwise} end`),
  ),
}));

const objects = fc
  .tuple(expression, expression)
  .map(([first, second]) => `{id: (${first}), "x y": (${second}), a, "list", b: .b | length}`);
const simpleObjects = fc.constantFrom(...PATHS).map((path) => `{a: ${path}, b: ${path} | tostring, c: "v"}`);
const assignments = fc
  .tuple(
    fc.constantFrom('.a', '.new', '.a.b', '.new.deep', '.list[0]', '."x-y"', '.["eo:cloud_cover"]'),
    fc.constantFrom('=', '|=', '+='),
    fc.oneof(
      expression.map((inner) => `(${inner})`),
      fc.constantFrom(...PATHS, ...LITERALS),
      expression,
    ),
  )
  .map((parts) => parts.join(' '));
const pipelines = fc.array(fc.oneof(assignments, fc.constantFrom('.', 'del(.a)', '. + {z: 1}', '.a', 'del(.a.b)')), {
  minLength: 1,
  maxLength: 3,
});

export const jqPrograms = fc.oneof(
  objects,
  simpleObjects,
  assignments,
  pipelines.map((steps) => steps.join(' | ')),
  expression,
);
