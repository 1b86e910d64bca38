import { SOURCE_KINDS, isSupportedSource } from '../../src/kinds/source-kinds';
import { isSupportedTrigger, TRIGGER_KINDS } from '../../src/kinds/trigger-kinds';
import { isFields } from '../../src/manifest/fields';
import { customResourceDefinitions } from '../../src/validation/crds';
import { jsonOf, runSluice } from '../cli/run-cli-for-test';

/** Kinds that Sluice does not run: their fields are Argo Events' to explain. */
const FOREIGN = new Set([
  ...Object.keys(SOURCE_KINDS).flatMap((kind) => (isSupportedSource(kind) ? [] : [`spec.${kind}`])),
  ...TRIGGER_KINDS.flatMap((kind) => (isSupportedTrigger(kind) ? [] : [`template.${kind}`])),
  // Buses.
  ...['nats.native', 'nats.exotic', 'spec.kafka'],
]);
/** The server's own fields. */
const KUBERNETES = new Set(['apiVersion', 'kind', 'metadata', 'spec', 'status']);

/** Returns the paths of properties without a description. */
function bare(schema: unknown, path: readonly string[] = []): string[] {
  if (!isFields(schema)) return [];
  const below = [
    ...(isFields(schema['properties']) ? Object.entries(schema['properties']) : []),
    ...[schema['items'], schema['additionalProperties']].map((part) => ['', part] as const),
  ];
  return below.flatMap(([name, part]) => {
    const at = name === '' ? path : [...path, name];
    if (name !== '' && FOREIGN.has(at.slice(-2).join('.'))) return [];
    const isBare = name !== '' && isFields(part) && part['description'] === undefined;
    const isOfServer = at.length === 1 && KUBERNETES.has(at[0] ?? '');
    return [...(isBare && !isOfServer ? [at.join('.')] : []), ...bare(part, at)];
  });
}

describe('descriptions', () => {
  it.each(customResourceDefinitions().map((definition) => [definition.metadata.name, definition] as const))(
    'say in %s what every property of what Sluice runs means',
    (_name, { spec }) => {
      const { versions } = spec as { versions: Array<{ schema: { openAPIV3Schema: unknown } }> };
      expect(bare(versions[0]?.schema.openAPIV3Schema)).toEqual([]);
    },
  );

  it('fit into an object of the API server with space to spare', () => {
    for (const definition of customResourceDefinitions()) {
      // etcd accepts 1.5 MiB.
      expect(JSON.stringify(definition).length).toBeLessThan(400_000);
    }
  });
});

describe('sluice schema', () => {
  it('prints one schema for all kinds, or that of one', async () => {
    const all = jsonOf<{ $schema: string; allOf: unknown[] }>(await runSluice(['schema']));
    expect(all.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
    expect(all.allOf).toHaveLength(3);
    const sensor = jsonOf<{ $ref: string; $defs: Record<string, unknown> }>(await runSluice(['schema', 'sensor']));
    expect(sensor).toMatchObject({ $ref: '#/$defs/Sensor' });
    expect(Object.keys(sensor.$defs).every((name) => name === 'Sensor' || name.startsWith('Sensor.'))).toBe(true);
    expect(sensor.$defs['Sensor']).toMatchObject({
      properties: { spec: { properties: { triggers: { description: 'What it does.' } } } },
    });
  });

  it('rejects a kind that has none', async () => {
    const { exitCode, stderr } = await runSluice(['schema', 'workflow']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('Unknown kind "workflow"');
  });
});
