/** The dashboard, the alert rules and the docs name exactly what the workers export. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { repoRoot } from '../../dev/repo-root';
import { METRICS, type MetricDefinition } from '../../src/metrics/metric-definitions';

const FOLDER = join(repoRoot, 'deploy', 'helm', 'sluice', 'monitoring');
const definitions: ReadonlyArray<[string, MetricDefinition]> = Object.entries(METRICS);

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description?: string };
}

interface Dashboard {
  readonly templating: { readonly list: ReadonlyArray<{ readonly definition?: string }> };
  readonly panels: ReadonlyArray<{
    readonly id: number;
    readonly title: string;
    readonly targets?: ReadonlyArray<{ readonly expr: string }>;
  }>;
}

const { spec } = parse(readFileSync(join(FOLDER, 'alerts.yaml'), 'utf8')) as {
  spec: { groups: ReadonlyArray<{ rules: readonly Rule[] }> };
};
const rules = spec.groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(readFileSync(join(FOLDER, 'dashboard.json'), 'utf8')) as Dashboard;
const queries = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }): [string, string] => [title, expr]),
);

/** Names as Prometheus stores them, with the labels of each. */
const exported = new Map<string, readonly string[]>(
  definitions.flatMap(([name, { kind, labels }]): Array<[string, readonly string[]]> =>
    kind === 'histogram'
      ? [
          [`${name}_bucket`, [...labels, 'le']],
          [`${name}_sum`, labels],
          [`${name}_count`, labels],
        ]
      : [[name, labels]],
  ),
);

/** What a PromQL expression names, by Prometheus' own grammar; `isValid` is false where that cannot read it. */
async function readQuery(expr: string) {
  const { parser } = await import('@prometheus-io/lezer-promql');
  // Grafana puts a duration here.
  const text = expr.replaceAll('$__rate_interval', '5m');
  const found = { isValid: true, metrics: [] as string[], labels: [] as string[] };
  parser.parse(text).iterate({
    enter: ({ type, from, to }) => {
      if (type.isError) found.isValid = false;
      if (type.name === 'Identifier') found.metrics.push(text.slice(from, to));
      if (type.name === 'LabelName') found.labels.push(text.slice(from, to));
    },
  });
  return found;
}

async function expectOfThisWorker(expr: string): Promise<void> {
  const { isValid, metrics, labels } = await readQuery(expr);
  expect({ expr, isValid }).toEqual({ expr, isValid: true });
  expect(metrics.length).toBeGreaterThan(0);
  expect(metrics.filter((name) => !exported.has(name))).toEqual([]);
  const known = new Set(metrics.flatMap((name) => exported.get(name) ?? []));
  expect(labels.filter((label) => !known.has(label))).toEqual([]);
}

describe('alert rules', () => {
  it.each(rules.map((rule): [string, Rule] => [rule.alert, rule]))(
    '%s parses and uses metrics and labels that exist',
    async (_name, { expr, labels, annotations, for: duration }) => {
      await expectOfThisWorker(expr);
      expect(['critical', 'warning']).toContain(labels.severity);
      expect(annotations.summary).not.toBe('');
      if (duration !== undefined) expect(duration).toMatch(/^\d+[smh]$/);
    },
  );

  it('have unique names and cover every condition that needs an operator', () => {
    const names = rules.map(({ alert }) => alert);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(
      expect.arrayContaining([
        'SluiceEventSourceNotRunning',
        'SluiceEventsRejected',
        'SluiceRunsParked',
        'SluiceSensorLagGrowing',
        'SluiceSensorBehind',
        'SluiceActionsFailing',
      ]),
    );
  });

  it('mention only labels that their expression keeps', async () => {
    for (const { expr, annotations } of rules) {
      const { labels } = await readQuery(expr);
      const mentioned = [...JSON.stringify(annotations).matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label);
      expect(mentioned.filter((label) => !labels.includes(label ?? ''))).toEqual([]);
    }
  });

  it('fail this test if they name anything else', async () => {
    expect((await readQuery('sum by (a (rate(b)')).isValid).toBe(false);
    expect((await readQuery('sum by (a) (rate(b{c="d"}[5m]))')).metrics).toEqual(['b']);
  });
});

describe('the Grafana dashboard', () => {
  it.each(queries)('%s: %s', async (_title, expr) => {
    await expectOfThisWorker(expr);
  });

  it('shows every metric', () => {
    const text = queries.map(([, expr]) => expr).join('\n');
    expect(definitions.map(([name]) => name).filter((name) => !text.includes(name))).toEqual([]);
  });

  it('has panels with unique ids, and variables of existing labels', () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { definition } of dashboard.templating.list) {
      const named = definition?.match(/(?:sluice|argo_events)_\w+/g) ?? [];
      expect(named.filter((name) => !exported.has(name))).toEqual([]);
    }
  });
});

describe('docs/metrics.md', () => {
  const lines = readFileSync(join(repoRoot, 'docs', 'metrics.md'), 'utf8').split('\n');
  const rows = lines.flatMap((line) => {
    const [, name, kind, labels] = /^\| `(\w+)`\s*\| (\w+)\s*\| ([^|]*?)\s*\|/.exec(line) ?? [];
    return name === undefined
      ? []
      : [{ name, kind, labels: [...(labels ?? '').matchAll(/`(\w+)`/g)].map(([, l]) => l) }];
  });

  it('has a row for every metric, with its kind and labels, and for no other', () => {
    const expected = definitions.map(([name, { kind, labels }]) => ({ name, kind, labels: [...labels] }));
    const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1);
    expect(rows.sort(byName)).toEqual(expected.sort(byName));
  });
});
