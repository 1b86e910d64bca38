/** Every Secret and ConfigMap key that Sluice itself will read for an object, and the field that names it. */
import { ANNOTATION_PREFIX, type SensorOptions } from '../../manifest/annotations';
import { listOutcomeRedisSecrets, OUTCOME_REDIS_SECRETS } from '../../manifest/outcome-redis';
import { formatPath, type FieldPath } from '../../manifest/problem';
import type { Desired } from './desired-objects';

export interface SecretReference {
  readonly kind: 'Secret' | 'ConfigMap';
  readonly name: string;
  readonly key: string;
  /** Field path in the manifest. */
  readonly path: string;
}

/** Kubernetes reads the Secrets that pods mount and that created objects refer to; Sluice does not. */
const FOREIGN_FIELDS: ReadonlySet<string> = new Set(['resource', 'container', 'volumes']);
/** Fields with a name and a key that select no Secret: `source.s3.bucket` is a bucket and a path in it. */
const NO_SELECTORS: ReadonlySet<string> = new Set(['bucket']);

export function findSecretReferences(desired: Desired): SecretReference[] {
  const found: SecretReference[] = [];
  const visit = (value: unknown, path: FieldPath): void => {
    if (typeof value !== 'object' || value === null) return;
    if (Array.isArray(value)) {
      value.forEach((item, index) => visit(item, [...path, index]));
      return;
    }
    const field = String(path.at(-1) ?? '');
    const fields = value as Readonly<Record<string, unknown>>;
    const { name, key, optional } = fields;
    if (typeof name === 'string' && typeof key === 'string' && !NO_SELECTORS.has(field)) {
      const kind = /config_?map/i.test(field) ? 'ConfigMap' : 'Secret';
      if (optional !== true) found.push({ kind, name, key, path: formatPath(path) });
      return;
    }
    for (const [child, inner] of Object.entries(fields)) {
      if (!FOREIGN_FIELDS.has(child) && !isPodTemplate([...path, child])) visit(inner, [...path, child]);
    }
  };
  visit(desired.definition.spec, ['spec']);
  if (desired.kind === 'EventSource') {
    const { signatureSecret, hydrateToken } = desired.definition.options;
    const named = { 'signature-secret': signatureSecret, 'hydrate-token-secret': hydrateToken };
    for (const [name, secret] of Object.entries(named)) {
      const path = formatPath(['metadata', 'annotations', ANNOTATION_PREFIX + name]);
      if (secret !== undefined) found.push({ kind: 'Secret', ...secret, path });
    }
  }
  if (desired.kind === 'Sensor') found.push(...findInAnnotations(desired.definition.options));
  return found;
}

function findInAnnotations({ outcomeRedisAccess }: SensorOptions): SecretReference[] {
  return listOutcomeRedisSecrets(outcomeRedisAccess).map(({ field, secret }) => ({
    kind: 'Secret',
    ...secret,
    path: formatPath(['metadata', 'annotations', ANNOTATION_PREFIX + OUTCOME_REDIS_SECRETS[field]]),
  }));
}

function isPodTemplate(path: FieldPath): boolean {
  return path.length === 2 && path[1] === 'template';
}
