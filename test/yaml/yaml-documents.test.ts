/** What kubectl's own library reads must be read, with the same values, and with the place of each field. */
import { createExpressionEngine, createExpressionSyntax } from '../../src/expressions';
import { loadManifestText } from '../../src/validation/load-manifests';
import { writeExactly } from '../../src/yaml/exact-numbers';
import { parseYamlDocuments, readYamlDocuments } from '../../src/yaml/yaml-documents';

const engine = createExpressionEngine({ timeLimitMs: 20_000 });
afterAll(() => engine.close());
const expressions = createExpressionSyntax(engine);

const valuesOf = async (text: string) => {
  const { documents, mistakes } = await readYamlDocuments(text, expressions.readYaml);
  expect(mistakes).toEqual([]);
  return documents.map(({ value }) => value);
};

describe('YAML that kubectl reads', () => {
  it.each([
    ['a quoted text whose next line is not indented', 'a:\n  b: "x\ny"\nc: 1\n', { a: { b: 'x y' }, c: 1 }],
    ['such a text with a blank line', 'a:\n  b: "x\n\n  y"\nc: 1\n', { a: { b: 'x\ny' }, c: 1 }],
    ['such a text in single quotes', "a:\n  b: 'it''s\ny'\n", { a: { b: "it's y" } }],
    ['two such texts', 'a:\n  b: "x\ny"\n  c: "v\nw"\n', { a: { b: 'x y', c: 'v w' } }],
    [
      'a flow map over lines that are not indented',
      'a: {\nb: 1,\nc: [\n1,\n2\n]\n}\nd: 2\n',
      { a: { b: 1, c: [1, 2] }, d: 2 },
    ],
    ['a flow list that is less indented than its key', 'x:\n  a: [\n1\n]\nb: 1\n', { x: { a: [1] }, b: 1 }],
    ['comments in such a list', 'x:\n  a: [ # one]\n1, # two\n2\n]\nb: 1\n', { x: { a: [1, 2] }, b: 1 }],
    ['a tab behind a colon', 'a:\tb\n', { a: 'b' }],
    ['explicit keys', '? a\n: b\n? c\n', { a: 'b', c: null }],
    ['merges', 'x: &x {a: 1}\nz:\n  <<: *x\n  b: 2\n', { x: { a: 1 }, z: { a: 1, b: 2 } }],
    [
      'merges of several',
      'x: &x {a: 1}\nw: &w {c: 1}\nz:\n  <<: [*x, *w]\n',
      { x: { a: 1 }, w: { c: 1 }, z: { a: 1, c: 1 } },
    ],
    ['CRLF', 'a: 1\r\nb: |\r\n  x\r\n  y\r\n', { a: 1, b: 'x\ny\n' }],
    ['carriage returns alone', 'a: 1\rb: 2\r', { a: 1, b: 2 }],
    ['a byte order mark', '\uFEFFa: 1\n', { a: 1 }],
    ['a version', '%YAML 1.1\n---\na: 1\n', { a: 1 }],
    ['the version after', '# c\n%YAML 1.2\n--- # d\na: 1\n', { a: 1 }],
    ['comments in odd places', 'a: # c\n# d\n  b: 1\n# e\n  c: 2\n   # f\n', { a: { b: 1, c: 2 } }],
    [
      'numbers of YAML 1.1',
      'a: [0644, 0o644, 0x1F, 0b11, 1_000, +1, 1e3, 190:20:30]\n',
      { a: [420, 420, 31, 3, 1000, 1, 1000, '190:20:30'] },
    ],
    ['dates and times as text', 'a: [2026-01-01, 10:30:00]\n', { a: ['2026-01-01', '10:30:00'] }],
    ['tags', 'a: !!str 1\nb: !!binary aGVsbG8=\nc: !x d\n', { a: '1', b: 'hello', c: 'd' }],
    ['JSON with escapes that YAML does not know', '{"a":"\\/\\ud83d\\ude00"}', { a: '/😀' }],
    ['JSON indented with tabs', '{\n\t"a": 1,\n\t"b": [true]\n}\n', { a: 1, b: [true] }],
    ['keys that are numbers', '1: a\ntrue: b\n', { 1: 'a', true: 'b' }],
    ['several of them', '10: a\n9: b\nx: 1\n', { 10: 'a', 9: 'b', x: 1 }],
    ['lists that are not indented', 'a:\n- b: 1\n  c: 2\n-   d: 3\n', { a: [{ b: 1, c: 2 }, { d: 3 }] }],
    ['a question mark and a dash within', 'a: ?b\nc: -d\n', { a: '?b', c: '-d' }],
  ])('is read: %s', async (_name, text, value) => {
    expect(await valuesOf(text)).toEqual([value]);
  });

  it.each([
    ['a tab as indentation', 'a:\n\tb: 1\n', 2],
    ['a tab before a comment', 'a: 1\n\t# c\nb: 2\n', 2],
    ['a second value', 'a: "x" y\n', 1],
    ['a word that must be quoted', 'a: @b\n', 1],
    ['an unknown anchor', 'a: 1\nb: *nope\n', 1],
    ['a list as a key', '? [a]\n: b\n', 1],
    ['infinity', 'a: .inf\n', 1],
  ])('rejects %s', async (_name, text, line) => {
    const { documents, mistakes } = await readYamlDocuments(text, expressions.readYaml);
    expect(documents).toEqual([]);
    expect(mistakes).toMatchObject([{ line }]);
  });

  it('is split into independent documents', async () => {
    const { documents, mistakes } = await readYamlDocuments(
      'a: 1\n---\nb: [\n---\n# nothing\n---\nc: 1\n...\nd: 1\n',
      expressions.readYaml,
    );
    expect(documents.map(({ value }) => value)).toEqual([{ a: 1 }, { c: 1 }, { d: 1 }]);
    expect(documents.map((document) => document.positionOf([])?.line)).toEqual([1, 7, 9]);
    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]?.line).toBeGreaterThanOrEqual(3);
  });

  it('keeps the order and the line of its fields', async () => {
    const text = 'z: "1\n2"\nb:\n  m: {\n  c: 1,\n  a: "x\ny",\n  d: 1\n  }\na:\n  - e: 1\n';
    const [document] = (await readYamlDocuments(text, expressions.readYaml)).documents;
    expect(JSON.stringify(document?.value)).toBe('{"z":"1 2","b":{"m":{"c":1,"a":"x y","d":1}},"a":[{"e":1}]}');
    const lineOf = (...path: (string | number)[]) => document?.positionOf(path)?.line;
    expect([lineOf('b'), lineOf('b', 'm', 'd'), lineOf('a', 0, 'e'), lineOf('a', 0, 'missing')]).toEqual([
      3, 8, 11, 11,
    ]);
  });

  it.each([
    ['in YAML', 'a: 9007199254740993\nb: [-12345678901234567890]\nc: 1.50\n'],
    ['in JSON', '{"a":9007199254740993,"b":[-12345678901234567890],"c":1.50}'],
  ])('keeps whole numbers beyond 2^53, and how a number was written: %s', async (_name, text) => {
    const exact = '{"a":9007199254740993,"b":[-12345678901234567890],"c":1.5}';
    const read = [
      ...(await readYamlDocuments(text, expressions.readYaml)).documents,
      ...parseYamlDocuments(text).documents,
    ];
    expect(read.map(({ value }) => writeExactly(value))).toEqual(
      // The library of kubectl makes a decimal number of what is beyond 64 bits.
      [text.startsWith('{') ? exact : exact.replace('-12345678901234567890', '-12345678901234567000'), exact],
    );
    expect(read.map((document) => document.numberAt(['c']))).toEqual(['1.50', '1.50']);
    expect(read.map((document) => document.numberAt(['b']))).toEqual([undefined, undefined]);
  });

  it('is read without the library of kubectl too', () => {
    const { documents, mistakes } = parseYamlDocuments('a:\n  b: "x\ny"\nc: {\nd: 1\n}\n');
    expect(mistakes).toEqual([]);
    expect(documents.map(({ value }) => value)).toEqual([{ a: { b: 'x y' }, c: { d: 1 } }]);
  });

  it('takes time in proportion to its size', async () => {
    const keys = Array.from({ length: 20_000 }, (_, index) => `key${index}: 1`).join('\n');
    expect(Object.keys((await valuesOf(keys))[0] as object)).toHaveLength(20_000);
    const { mistakes } = await readYamlDocuments(`${keys}\nkey0: 2\n`, expressions.readYaml);
    expect(mistakes).toMatchObject([{ line: 20_001, message: 'not valid YAML: the key key0 is written twice' }]);
  });
});

describe('a mistake in the YAML of a manifest', () => {
  const sensor = (rest: string) =>
    `apiVersion: argoproj.io/v1alpha1\nkind: Sensor\nmetadata:\n  labels: {a: b}\n  name: water\nspec:\n${rest}`;
  const problemsOf = async (text: string) => (await loadManifestText(text, 'x.yaml', { expressions })).problems;

  it('names the object and the key', async () => {
    expect(
      await problemsOf(sensor('  dependencies:\n    - name: a\n      filters:\n        data: [x\n')),
    ).toMatchObject([
      { object: 'Sensor/water', path: expect.stringMatching(/^spec\.dependencies\.filters/) as string },
    ]);
  });

  it.each([
    ['          comparator: >=\n', 'Put the value in quotes: ">=".'],
    ['          dest: @x\n', 'Put the value in quotes: "@x".'],
    ['          dataKey: a: b\n', 'Put the value in quotes: "a: b".'],
  ])('says what to write: %j', async (line, fix) => {
    expect(await problemsOf(sensor(`  x:\n    y:\n${line}`))).toMatchObject([{ fix }]);
  });

  it.each([
    '  name: {{ .Values.name }}\n',
    '{{- if .Values.on }}\n  a: 1\n{{- end }}\n',
    '  a:\n{{ include "x" . }}\n',
  ])('is recognised as a Helm template that was not rendered: %j', async (text) => {
    expect(await problemsOf(sensor(text))).toMatchObject([
      {
        message: 'this is a Helm template that was not rendered',
        fix: expect.stringContaining('helm template') as string,
      },
    ]);
  });

  it.each([
    ["metadata: { name: '{{ .Release.Name }}-s' }", 'metadata.name'],
    ['eventBusName: \'{{ $.Values.bus | default "default" }}\'', 'spec.eventBusName'],
    ['eventBusName: \'{{- include "chart.bus" . -}}\'', 'spec.eventBusName'],
    ["template: { metadata: { labels: { '{{ .Chart.Name }}': x } } }", 'spec.template.metadata.labels'],
  ])('is not reported for a quoted Helm template, which is also recognised: %s', async (line, path) => {
    const isTop = line.startsWith('metadata');
    const top = isTop ? line : 'metadata: { name: a }';
    const text = `apiVersion: argoproj.io/v1alpha1\nkind: EventSource\n${top}\nspec:\n  ${isTop ? 'x: 1' : line}\n`;
    expect(await problemsOf(text)).toMatchObject([
      { severity: 'error', path, message: 'this is a Helm template that was not rendered' },
    ]);
  });

  it('is not reported for templates of a Sensor or a Workflow', async () => {
    const own = `apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: { name: own }
spec:
  dependencies: [{ name: a, eventSourceName: s, eventName: e }]
  triggers:
    - template:
        name: t
        argoWorkflow:
          operation: submit
          source:
            resource:
              apiVersion: argoproj.io/v1alpha1
              kind: Workflow
              metadata: { generateName: a- }
              spec:
                entrypoint: main
                templates:
                  - name: main
                    container:
                      image: busybox
                      args: ['{{workflow.parameters.id}}', '{{inputs.parameters.x}}', "{{=sprig.trim(item)}}"]
      parameters:
        - src: { dependencyName: a, dataTemplate: '{{ range .Input.items }}{{ .Release }}{{ end }}{{ .Input.Values.x }}' }
          dest: name
`;
    expect(await problemsOf(own)).toEqual([]);
    const odd = own.replace('{{inputs.parameters.x}}', '{{ .Values.x }}');
    expect(await problemsOf(odd)).toMatchObject([
      { severity: 'warning', path: expect.stringContaining('args') as string },
    ]);
    const broken = own.replace(/dataTemplate: .*\}/, 'dataTemplate: {{ if .Input.x }}y{{ end }} }');
    expect(await problemsOf(broken)).toMatchObject([{ message: expect.stringContaining('not valid YAML') as string }]);
  });

  it.each(['>', '!='])('is found where YAML itself sees none: an unquoted comparator %s', async (operator) => {
    const data = `  dependencies:
    - name: a
      eventSourceName: s
      eventName: e
      filters:
        data:
          - path: body.x
            type: number
            comparator: ${operator}
            value: ["1"]
  triggers: [{ template: { name: t, log: {} } }]
`;
    expect(await problemsOf(sensor(data))).toMatchObject([
      {
        severity: 'warning',
        line: 15,
        path: 'spec.dependencies[0].filters.data[0].comparator',
        fix: `Write comparator: "${operator}".`,
      },
    ]);
  });
});
