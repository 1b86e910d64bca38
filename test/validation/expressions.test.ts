import { approximateRegexMistake } from '../../src/validation/approximate-regex';
import {
  checkExpressions,
  collectEventSourceExpressions,
  collectSensorExpressions,
} from '../../src/validation/expressions';
import type { ExpressionSyntax } from '../../src/expressions/expression-syntax';
import { parseEventSource, parseSensor } from '../../src/validation/parse-manifest';
import { formatPath } from '../../src/manifest/problem';

const frame = (kind: string, spec: object) => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind,
  metadata: { name: 'example' },
  spec,
});
const src = { dependencyName: 'a', dataTemplate: 'DT', contextTemplate: 'CT', dataKey: 'k' };

const sensor = parseSensor(
  frame('Sensor', {
    dependencies: [
      {
        name: 'a',
        eventSourceName: 's',
        eventName: 'e',
        transform: { jq: 'JQ' },
        filters: {
          script: 'LUA',
          exprs: [{ expr: 'EXPR', fields: [{ path: 'p', name: 'n' }] }],
          data: [
            { path: 'p', type: 'string', value: ['R1', 'R2'], template: 'T' },
            { path: 'p', type: 'number', value: ['1'] },
          ],
        },
      },
      { name: 'b', eventSourceName: 's', eventName: 'e', transform: { script: 'LUA2' } },
    ],
    triggers: [
      {
        template: {
          name: 't',
          http: { url: 'http://a', payload: [{ src, dest: 'x' }], dynamicHeaders: [{ src, dest: 'h' }] },
        },
        parameters: [{ src, dest: 'x' }],
        dlqTrigger: {
          template: { name: 'd', k8s: { source: { file: { path: '/a' } }, parameters: [{ src, dest: 'x' }] } },
        },
      },
    ],
  }),
).object;

describe('expressions of a manifest', () => {
  it('are found in every place of a Sensor', () => {
    const uses = collectSensorExpressions(sensor).map(({ path, language, text }) => [formatPath(path), language, text]);
    const both = (path: string) => [
      [`${path}.contextTemplate`, 'template', 'CT'],
      [`${path}.dataTemplate`, 'template', 'DT'],
    ];
    expect(uses).toEqual([
      ['spec.dependencies[0].transform.jq', 'jq', 'JQ'],
      ['spec.dependencies[0].filters.script', 'lua', 'LUA'],
      ['spec.dependencies[0].filters.exprs[0].expr', 'govaluate', 'EXPR'],
      ['spec.dependencies[0].filters.data[0].template', 'template', 'T'],
      ['spec.dependencies[0].filters.data[0].value[0]', 'regex', 'R1'],
      ['spec.dependencies[0].filters.data[0].value[1]', 'regex', 'R2'],
      ['spec.dependencies[1].transform.script', 'lua', 'LUA2'],
      ...both('spec.triggers[0].parameters[0].src'),
      ...both('spec.triggers[0].template.http.payload[0].src'),
      ...both('spec.triggers[0].template.http.dynamicHeaders[0].src'),
      ...both('spec.triggers[0].dlqTrigger.template.k8s.parameters[0].src'),
    ]);
  });

  it('are found in an EventSource', () => {
    const { object } = parseEventSource(
      frame('EventSource', {
        redis: { r: { hostAddress: 'a:1', channels: ['c'], filter: { expression: 'E' } } },
        minio: { m: { endpoint: 'a', bucket: { name: 'b' }, filter: { prefix: 'p' } } },
        file: { f: { eventType: 'CREATE', watchPathConfig: { directory: '/', pathRegexp: 'R' } } },
        resource: {
          k: { version: 'v1', resource: 'pods', eventTypes: ['ADD'], filter: { fields: [{ key: 'k', value: 'V' }] } },
        },
      }),
    );
    const uses = collectEventSourceExpressions(object).map(({ path, language }) => [formatPath(path), language]);
    expect(uses.sort()).toEqual([
      ['spec.file.f.watchPathConfig.pathRegexp', 'regex'],
      ['spec.redis.r.filter.expression', 'expr'],
      ['spec.resource.k.filter.fields[0].value', 'regex'],
    ]);
  });

  it('are each checked in their own language', async () => {
    const syntax: ExpressionSyntax = {
      check: (language, text) => Promise.resolve(text.length > 1 ? { message: language } : undefined),
      readYaml: () => Promise.resolve({ ok: true, value: {} }),
    };
    const uses = collectSensorExpressions(sensor);
    const findings = await checkExpressions(uses, syntax);
    const refused = uses.filter(({ text }) => text.length > 1);
    expect(findings.map(({ path }) => path)).toEqual(refused.map(({ path }) => path));
    findings.forEach((finding, index) => {
      expect(finding.severity).toBe('error');
      expect(finding.message.endsWith(`: ${refused[index]?.language}`)).toBe(true);
    });
  });
});

describe('regular expressions without the expression module', () => {
  it.each([
    '^S2[AB]_',
    '(?i)a',
    '(?P<x>a)',
    '(?i:a)b',
    '[[:alpha:]]+',
    '[^[:space:]a]',
    String.raw`\pL\z\A`,
    String.raw`\Q(\E`,
    'a{2,}?',
    '[]a]',
    String.raw`\x{10FFFF}`,
    '(?s-i).',
  ])('accepts %s', (pattern) => {
    expect(approximateRegexMistake(pattern)).toBeUndefined();
  });

  it.each(['(', 'a)', '[a', '*a', 'a(?=b)', '(?<!a)b', String.raw`(a)\1`, '[z-a]'])('rejects %s', (pattern) => {
    expect(approximateRegexMistake(pattern)).toEqual(expect.any(String));
  });
});
