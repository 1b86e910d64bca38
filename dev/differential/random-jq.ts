/** jq programs of every shape that plain-jq.ts knows, and many that only the engine does. */
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
const LITERALS = [
  '12345678901234567890',
  '1e1000',
  '1e-3',
  '10.00',
  '"10.00"',
  '0.30000000000000004',
  '"[1.50,1e3,-0,12345678901234567890,{\\"k\\":0.1}]"',
  '"\\u0000"',
  'infinite',
  'nan',
  '1',
  '2.5',
  '"x"',
  'true',
  'null',
  '"\\u00e9\\n"',
  '"n \\(.a) m"',
  '[]',
  '{}',
  '10',
  '-1',
];
const FUNCTIONS = ['length', 'tostring', 'tonumber', 'ascii_upcase', 'ascii_downcase', 'fromjson', 'not', 'type', 'keys', 'empty', 'tojson', 'first', 'map(.)', 'map(.a)', 'map(select(. != null))', 'has("a")', 'split("a")', 'join("-")', 'startswith("a")', 'endswith("a")', 'ltrimstr("a")', 'rtrimstr("a")', 'to_entries', '.[]', '.[0]', 'add', 'del(.a)', 'del(.a.b, .list)', 'with_entries(.)', '..', 'env', '.[1:]', '@base64', '@base64d', '@json', '@text', '@uri', '@csv', '@html', '@sh', 'tojson | fromjson', 'fromjson | . + 1', 'test("a")', 'gsub("a"; "b")', 'sub("[0-9]+"; "n")', 'splits("a")', 'explode', 'explode | implode', 'ascii', 'floor', 'sqrt', 'round', 'abs', 'todate', 'fromdate?', 'sort', 'sort_by(.a)', 'group_by(.a)', 'unique', 'min', 'max', 'flatten', 'reverse', 'any', 'all', 'range(3)', 'recurse', 'paths', 'leaf_paths', 'getpath(["a", "b"])', 'path(.a)', 'tostream', 'walk(.)', 'transpose', 'input_line_number', 'splits("_"; null)', 'ltrimstr(1)', 'indices("a")', 'inside("abc")', 'contains("a")', 'limit(2; .[]?)', 'first(.[]?)', 'until(. != null; 1)', 'error', 'try error("x") catch .', '. as $v | [$v, $v]', 'reduce .[]? as $x (0; . + 1)', 'foreach .[]? as $x (0; . + 1)', 'def f: . ; f', '.. | numbers', 'strings', 'objects', 'arrays', 'significand', 'logb', 'gamma', 'pow(2; 10)', 'log2', 'tojson | length', 'getpath(["x", 0])?', 'splits("b")?', '$__loc__', 'ltrimstr("a") | rtrimstr("b")', 'trim', 'ltrim', 'have_literal_numbers', 'toarray', 'pick(.a)', 'debug', 'scan("[a-z]")', 'capture("(?<x>[a-z])")', 'ascii(65)', '@base32', '@base32d', 'getpath([])', 'delpaths([["a"]])', 'to_entries | from_entries', 'with_entries(.value |= tostring)', 'del(.[0])', 'del(.[]?)', 'map_values(.)', 'mktime', 'gmtime', 'strftime("%Y")', 'strptime("%Y")', 'isvalid(.a)', 'env.PATH', 'halt', 'input', 'splits', 'min_by(.a)', 'add(.[]?)', 'combinations', 'ltrimstr', 'limit(0; 1)', 'skip(1; .[]?)', 'nth(1)', 'nth(0; .[]?)', 'index("a")', 'rindex("a")', 'bsearch(1)', 'tojson | @base64']; // prettier-ignore
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
const simpleObjects = fc
  .tuple(fc.constantFrom(...PATHS), fc.constantFrom(...PATHS, '(.list[])', '[.list[]]', '(.a + .b)', '(.b, .a)', '{a}'))
  .map(([first, second]) => `{a: ${first}, b: ${second}, c: "v", "list", x_y}`);
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
