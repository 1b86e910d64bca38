/** Differential: wherever the TypeScript fast paths answer at all, the original Go libraries give the same answer. */
import fc from 'fast-check';
import type { JsonValue } from '../../src/event/json';
import { isJsonText, joinObject, readKnownJson, textOf, type JsonDocument } from '../../src/event/json-text';
import { createExpressionEngine } from '../../src/expressions';
import { decideDataFilterQuickly } from '../../src/matching/data-filter';
import { writePlainDestination } from '../../src/matching/destinations';
import type { ExpressionRequest } from '../../src/expressions/engine';
import { gjsonText, gjsonType } from '../../src/expressions/go-values';
import { visibleToLua, visibleToTemplate } from '../../src/matching/named-keys';
import { transformPlainJq } from '../../src/expressions/fast-paths/plain-jq';
import { lookUpPlainPath } from '../../src/expressions/fast-paths/plain-path';
import { matchesPlainPattern } from '../../src/expressions/fast-paths/plain-pattern';
import { renderPlainTemplate } from '../../src/expressions/fast-paths/plain-template';
import type { DataFilter } from '../../src/manifest/filters';
import { jqPrograms } from '../../dev/differential/random-jq';
import { objects, paths, scalars, texts, values } from '../../dev/differential/random-json';

const objectDocuments = objects.map(readKnownJson);
const documents = fc.oneof(objects, scalars, values).map(readKnownJson);

const engine = createExpressionEngine({ timeLimitMs: 10_000 });
afterAll(() => engine.close());

/** Cases of one run are sent together, so that the engine evaluates them as a batch. */
async function compare<Case>(
  cases: fc.Arbitrary<Case>,
  quick: (each: Case) => unknown,
  slow: (each: Case) => Promise<unknown>,
  leastShare: number,
): Promise<void> {
  let answered = 0;
  let asked = 0;
  const property = fc.asyncProperty(fc.array(cases, { minLength: 30, maxLength: 60 }), async (batch) => {
    const expected = await Promise.all(batch.map(slow));
    batch.forEach((each, index) => {
      asked++;
      const answer = quick(each);
      if (answer === undefined) return;
      answered++;
      expect({ each, answer }).toEqual({ each, answer: expected[index] });
    });
  });
  await fc.assert(property, { numRuns: Number(process.env['DIFFERENTIAL_RUNS'] ?? 60), endOnFailure: true });
  // A fast path that never answers would pass every comparison.
  expect(answered / asked).toBeGreaterThan(leastShare);
}

/** The engine's answer, or the mark that it has none: a fast path must then not have one either. */
async function askEngine<Request extends ExpressionRequest>(request: Request) {
  const outcome = await engine.evaluate(request);
  return outcome.ok ? outcome.value : 'error';
}

function twice(value: JsonDocument): JsonDocument {
  return joinObject({ v: value, w: joinObject({ v: value }) });
}

/** With the order of keys. */
function writtenText(answer: JsonDocument | undefined): string | undefined {
  return answer === undefined || answer === 'error' ? answer : textOf(answer);
}

describe('the fast paths agree with the Go libraries', () => {
  it('on plain gjson paths, their existence, type and text', async () => {
    await compare(
      fc.record({ data: documents, path: paths }),
      ({ data, path }) => {
        const found = lookUpPlainPath(data, path);
        if (!found?.exists) return found;
        const { value } = found;
        return { exists: true, type: gjsonType(value), text: value === null ? 'null' : gjsonText(value), json: value };
      },
      ({ data, path }) => askEngine({ kind: 'get', path, data }),
      0.4,
    );
  });

  it('on data filters of every type and comparator', async () => {
    const filters = fc.record<DataFilter>({
      path: fc.constantFrom('v', 'w.v', 'missing'),
      type: fc.constantFrom('string', 'number', 'bool'),
      comparator: fc.constantFrom('=', '!=', '<', '<=', '>', '>=', undefined),
      value: fc.array(fc.oneof(texts, fc.constantFrom('true', 'FALSE', '0', '2.5', '1e3', '^a', '[')), {
        minLength: 1,
        maxLength: 3,
      }),
    });
    await compare(
      fc.record({ filter: filters, value: documents }),
      ({ filter, value }) => {
        const verdict = decideDataFilterQuickly(filter, twice(value));
        return verdict && (verdict.reason.includes('does not exist') ? 'error' : verdict.outcome === 'passed');
      },
      async ({ filter, value }) => {
        const answer = await askEngine({ kind: 'dataFilter', filter, data: twice(value) });
        return answer === 'error' ? answer : answer.passed;
      },
      0.4,
    );
  });

  it('on patterns', async () => {
    const pieces = fc.constantFrom(
      'a', 'S2', '.', '\\d', '\\w', '\\s', '[a-z]', '[^0-9_]', '[A-Z.-]', '^', '$', '|', '(', ')', '(?:', '*', '+', '?',
      '{2}', '{1,3}', '\\.', '_', '-', ' ', '(?i)', '\\b', '{', ']', '\\-', '+?',
    ); // prettier-ignore
    const subjects = fc.array(
      fc.constantFrom('a', 'b', 'S2', '_', '.', '-', '9', '\n', '\u2028', ' ', '\v', 'é', '𝄞', '\r'),
      { maxLength: 8 },
    );
    await compare(
      fc.record({
        pattern: fc.array(pieces, { maxLength: 6 }).map((p) => p.join('')),
        text: subjects.map((s) => s.join('')),
      }),
      ({ pattern, text }) => matchesPlainPattern(pattern, text),
      async ({ pattern, text }) => {
        const filter: DataFilter = { path: 'v', type: 'string', value: [pattern] };
        const answer = await askEngine({ kind: 'dataFilter', filter, data: { v: text } });
        return answer === 'error' ? answer : answer.passed;
      },
      0.15,
    );
  });

  it('on destinations of parameters', async () => {
    await compare(
      fc.record({
        document: fc.option(documents, { nil: undefined }),
        path: paths,
        value: documents,
        isJson: fc.boolean(),
      }),
      ({ document, path, value, isJson }) =>
        writtenText(writePlainDestination(document, path, isJson ? value : gjsonText(value))),
      async ({ document, path, value, isJson }) => {
        const text = isJson ? textOf(value) : gjsonText(value);
        return writtenText(await askEngine({ kind: 'set', path, value: text, isJson, document }));
      },
      0.15,
    );
  });

  it('on plain templates', async () => {
    const pieces = fc.constantFrom(
      '{{ .Input.a }}',
      '{{.Input.a.b}}',
      '{{ .Input.list }}',
      '{{ .Input.x_y}}',
      'text ',
      '}}',
      '{{',
      ' é',
    );
    await compare(
      fc.record({
        input: objectDocuments,
        template: fc.array(pieces, { minLength: 1, maxLength: 3 }).map((p) => p.join('')),
      }),
      ({ input, template }) => {
        const text = renderPlainTemplate(template, input);
        return text === '' || text === '<no value>' ? 'error' : text;
      },
      ({ input, template }) => askEngine({ kind: 'template', template, input }),
      0.1,
    );
  });

  it('on common jq programs', async () => {
    await compare(
      fc.record({ program: jqPrograms, data: objectDocuments }),
      ({ program, data }) => (isJsonText(data) ? undefined : writtenText(transformPlainJq(program, data))),
      async ({ program, data }) => writtenText(await askEngine({ kind: 'jq', program, data })),
      0.15,
    );
  });
});

describe('showing a script or template only the keys that it names changes nothing', () => {
  const data: JsonValue = { a: { b: 1, c: ['x'], größe: 'XL' }, b: 'two', 'x-y': true, event: 5, größe: 'l' };
  it.each([
    'return event.a.b == 1',
    'return event["b"] == "two" and event.missing == nil',
    "return event['x-y']",
    'local e = event; return e.b == "two"',
    'for k in pairs(event) do if k == "x-y" then return true end end return false',
    'return _G["event"].b == "two"',
    'return rawget(event, "b") == "two"',
    'event.b = 7; return event.b == 7 and event.a.c[1] == "x"',
    'return _G.event.event == 5',
  ])('Lua: %s', async (script) => {
    const all = await engine.evaluate({ kind: 'luaFilter', script, data });
    expect(all).toEqual({ ok: true, value: { passed: true, found: 'true' } });
    expect(await engine.evaluate({ kind: 'luaFilter', script, data: visibleToLua(script, data) })).toEqual(all);
  });

  it.each([
    '{{ .Input.b | upper }}',
    '{{ index .Input "x-y" }}',
    '{{ with .Input.a }}{{ .b }}{{ end }}',
    '{{ range .Input.a.c }}{{ . }}{{ end }}',
    '{{ $i := .Input }}{{ $i.b }}',
    '{{ $.Input.b }}',
    '{{ toJson . }}',
    '{{ (index . "Input").b }}',
    '{{ .Input | toJson }}',
    '{{ define "t" }}{{ .Input.b }}{{ end }}{{ template "t" . }}',
    '{{ if .Input.missing }}x{{ else }}{{ .Input.b }}{{ end }}',
    '{{ len .Input }}',
    '{{- .Input.a.c | first -}}',
    '{{ get .Input "b" }}',
    '{{ printf "%v" .Input.a }}',
    '{{$x:=.}}{{$x.Input.b}}',
    '{{$x:=$}}{{$x.Input.b}}',
    '{{ .Input.größe }}-{{ .Input.a.größe }}',
    '{{ .Input.größe | upper }}',
    '{{ $.Input.größe | upper }}',
    '{{ $v := .Input }}{{ $v.größe }}',
    '{{ index .Input "größe" | upper }}',
    '{{ with $ }}{{ .Input.b }}{{ end }}',
    '{{ (.Input).b | upper }}',
    '{{ "}}{{ .Input.a" }}{{ .Input.b | upper }}',
    '{{/* .Input.a */}}{{ .Input | len }}',
    'https://x.y/1.5/{{ .Input.b | upper }}',
    '{{ `"` }}{{ .Input | len }}{{ `"` }}',
    '{{ printf "%c" \'"\' }}{{ .Input | len }}',
    '{{ add 1.5 2 }}{{ .Input.b | upper }}',
  ])('template: %s', async (template) => {
    const all = await engine.evaluate({ kind: 'template', template, input: data });
    expect(all.ok).toBe(true);
    expect(await engine.evaluate({ kind: 'template', template, input: visibleToTemplate(template, data) })).toEqual(
      all,
    );
  });
});

/** What would block the process, or fill its memory, on one event. */
describe('a fast path leaves to the engine what grows', () => {
  it.each<[string, string, JsonValue]>([
    ['outputs', `{x: [${Array(18).fill('(., .)').join(' | ')}]}`, { a: 1 }],
    ['lists', `{x: ([.a] | ${Array(24).fill('. + .').join(' | ')})}`, { a: 1 }],
    ['text', `{x: (.a | ${Array(26).fill('. + .').join(' | ')})}`, { a: 'text' }],
    ['shared parts', `${Array(40).fill('{a: ., b: .}').join(' | ')}`, { a: 1 }],
    ['shared text', `{x: [${Array(500).fill('.a').join(', ')}]}`, { a: 'x'.repeat(100_000) }],
  ])('in jq: %s', (_name, program, data) => {
    expect(transformPlainJq(program, data)).toBeUndefined();
  });

  it.each([
    ['a{0,9}a{0,9}a{0,9}a{0,9}b', 'a'.repeat(50_000)],
    ['(a|a)(a|a)(a|a).*b', 'a'.repeat(2_000)],
    ['.*.*b', 'a'.repeat(200)],
    ['.*x', 'a'.repeat(50_000)],
  ])('in patterns: %s', (pattern, text) => {
    expect(matchesPlainPattern(pattern, text)).toBeUndefined();
  });

  it('in templates and in lists of values', () => {
    const input = { a: 'x'.repeat(100_000) };
    expect(renderPlainTemplate('{{ .Input.a }}'.repeat(20), input)).toBeUndefined();
    const filter: DataFilter = { path: 'a', type: 'string', value: Array<string>(1_000).fill('x+y') };
    expect(decideDataFilterQuickly(filter, input)).toBeUndefined();
  });
});

it('treats a key named __proto__ like others in jq', async () => {
  const data = JSON.parse('{"body": {"__proto__": {"k": "v"}, "x": {"k": "v2"}}}') as JsonValue;
  for (const program of ['{a: .body, __proto__: .body.x}', '.body', '.z = .body', '{x: .body.__proto__, w: .body}']) {
    const expected = await engine.evaluate({ kind: 'jq', program, data });
    expect(expected.ok && JSON.stringify(expected.value)).toContain('"k"');
    const plain = transformPlainJq(program, data);
    expect(JSON.stringify(plain)).toBe(expected.ok && JSON.stringify(expected.value));
  }
});

it('a fast path leaves to the engine what only the engine can decide', () => {
  expect(lookUpPlainPath({ a: 1 }, 'a.#')).toBeUndefined();
  expect(matchesPlainPattern('(a+)+$', 'a')).toBeUndefined();
  expect(matchesPlainPattern('.*x.*', 'a'.repeat(5_000))).toBeUndefined();
  expect(renderPlainTemplate('{{ .Input.a | upper }}', { a: 'x' })).toBeUndefined();
  expect(transformPlainJq('def f: .; f', { a: 1 })).toBeUndefined();
  expect(writePlainDestination({ l: [] }, 'l.#.v', 1)).toBeUndefined();
});
