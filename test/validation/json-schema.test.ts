import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv2020 from 'ajv/dist/2020';
import { repoRoot } from '../../dev/repo-root';
import { manifestJsonSchema } from '../../src/validation/json-schema';
import { parseYamlDocuments } from '../../src/yaml/yaml-documents';

const valid = join(repoRoot, 'test/manifest/corpus/valid');

/** An editor's schema cannot know what Go's decoder forgives: other case, null and "" for "not set", former fields. */
const FORGIVEN = new Set([
  // `comparator: >` is an empty text.
  'decidable.yaml',
  'former-1-0.yaml',
  'former-fields.yaml',
  'former-versions.yaml',
  'other-versions.yaml',
  'sensor-empty-blocks.yaml',
  'trigger-cloud.yaml',
]);
const FORGIVEN_TEXT = /verifycert|(comparator|[oO]perat(ion|or)|patchStrategy): (''|"")/;

describe('the JSON Schema for editors', () => {
  const validate = new Ajv2020({ strict: false }).compile(manifestJsonSchema());

  it.each(readdirSync(valid).filter((file) => !FORGIVEN.has(file)))('accepts %s', (file) => {
    const text = readFileSync(join(valid, file), 'utf8');
    if (FORGIVEN_TEXT.test(text)) return;
    for (const { value } of parseYamlDocuments(text).documents) {
      validate(value);
      expect(validate.errors ?? []).toEqual([]);
    }
  });

  it.each([
    ['an unknown field', { dependencies: [], triggers: [], tirggers: [] }],
    ['a wrong type', { dependencies: {}, triggers: [] }],
    ['a missing field', { triggers: [{ template: { name: 'a' } }] }],
  ])('rejects %s', (_, spec) => {
    const sensor = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Sensor', metadata: { name: 'a' }, spec };
    expect(validate(sensor)).toBe(false);
  });

  it('accepts other kinds', () => {
    expect(validate({ apiVersion: 'v1', kind: 'Pod', anything: 1 })).toBe(true);
  });
});
