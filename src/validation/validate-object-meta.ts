/** Names that the API server would reject. */
import { isFields } from '../manifest/fields';
import { Findings, describeValue, type Finding } from '../manifest/problem';

const OBJECT_NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const NAMESPACE = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

export function validateObjectMeta(document: unknown): Finding[] {
  const findings = new Findings();
  const metadata = isFields(document) ? document['metadata'] : undefined;
  if (!isFields(metadata)) return [];
  const { name, namespace } = metadata;
  if (typeof name === 'string' && (name.length > 253 || !OBJECT_NAME.test(name))) {
    findings.at('metadata', 'name').error('not a legal Kubernetes name', {
      found: describeValue(name),
      expected: 'lower-case letters, digits, dashes and dots, beginning and ending with a letter or digit',
      fix: `Write for example ${legalName(name)}.`,
    });
  }
  if (typeof namespace === 'string' && namespace !== '' && (namespace.length > 63 || !NAMESPACE.test(namespace))) {
    findings.at('metadata', 'namespace').error('not a legal namespace name', {
      found: describeValue(namespace),
      expected: 'at most 63 lower-case letters, digits and dashes',
    });
  }
  return findings.list;
}

function legalName(name: string): string {
  const legal = name
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, '-')
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '');
  return legal === '' ? 'my-object' : legal.slice(0, 253);
}
