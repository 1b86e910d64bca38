import fc from 'fast-check';
import { createExpressionEngine } from '../../../src/expressions';
import type { ExpressionRequest } from '../../../src/expressions/engine';
import { jqPrograms } from '../../../dev/differential/random-jq';
import { anyJson, anyText, mutated } from '../random-text';
import { expectThat, hide, type OpenTarget } from '../target';

const LUA = [
  'event.body.a = 1 return event',
  "return event.a == 'x'",
  'while true do end',
  'for i=1,10 do event[i]=i end return event',
  "return string.rep('x', 100)",
];
const TEMPLATES = [
  '{{ .Input.a }}',
  '{{ .Input | toJson }}',
  '{{ range .Input }}{{ . }}{{ end }}',
  '{{ .Input.a | upper | trunc 3 }}',
  '{{ repeat 9 "x" }}',
];
const GOVALUATE = ['a == "x"', 'a > 1 && b < 2', 'a =~ "^x"', '(a || b) && !a', 'a + b * 2 / 0'];
const PATHS = [
  'a',
  'a.b.0',
  'list.#.x',
  'list.#(x>1)#.y',
  '@reverse',
  'a|@tostr',
  '..#.a',
  'a.{b,c}',
  '@this|@flatten',
];

/** Expressions that somebody wrote, right or wrong: a value, or an error with words. */
export function expressions(): OpenTarget {
  // An expression that overruns is tried once more in a fresh thread: twice its limit, and the start of the thread.
  const engine = createExpressionEngine({ timeLimitMs: 200 });
  const from = (texts: readonly string[]): fc.Arbitrary<string> => mutated(fc.constantFrom(...texts));
  const requests: fc.Arbitrary<ExpressionRequest> = fc.oneof(
    fc
      .tuple(fc.oneof(jqPrograms, mutated(jqPrograms)), anyJson)
      .map(([program, data]) => ({ kind: 'jq' as const, program, data })),
    fc
      .tuple(from(LUA.filter((text) => !text.startsWith('while'))), anyJson)
      .map(([script, data]) => ({ kind: 'luaTransform' as const, script, data })),
    fc.tuple(from(TEMPLATES), anyJson).map(([template, input]) => ({ kind: 'template' as const, template, input })),
    fc.tuple(from(GOVALUATE), anyJson).map(([expression, data]) => ({ kind: 'govaluate' as const, expression, fields: [{ name: 'a', path: 'a' }, { name: 'b', path: 'b' }], data })), // prettier-ignore
    fc.tuple(from(GOVALUATE), anyJson).map(([expression, data]) => ({ kind: 'expr' as const, expression, data })),
    fc.tuple(from(PATHS), anyJson).map(([path, data]) => ({ kind: 'get' as const, path, data })),
    fc
      .tuple(from(PATHS), anyText, anyJson)
      .map(([path, value, document]) => ({ kind: 'set' as const, path, value, isJson: false, document })),
    anyText.map((text) => ({ kind: 'yaml' as const, text })),
    fc.tuple(fc.constantFrom('jq', 'lua', 'template', 'govaluate', 'expr', 'regex'), anyText).map(([language, source]) => ({ kind: 'check' as const, language, source })), // prettier-ignore
  );
  return hide({
    inputs: requests,
    async check(request) {
      const outcome = await engine.evaluate(request);
      if (!outcome.ok) expectThat(outcome.message.trim() !== '', 'a message with the failure');
    },
    close: () => engine.close(),
  });
}
