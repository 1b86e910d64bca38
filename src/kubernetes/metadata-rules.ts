/** The API server's rules for the metadata of any object. Pure. */
import { isRecord } from './kubernetes-object';

export interface MetadataMistake {
  /** Relative to the object: `['metadata', 'labels', 'app']`. */
  readonly path: readonly string[];
  readonly message: string;
  readonly expected: string;
}

const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const NAME_START = /^[a-z0-9][-a-z0-9.]*$/;
const LABEL_NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const NAME_RULE = 'lower-case letters, digits, dashes and dots, beginning and ending with a letter or digit';
const LABEL_RULE =
  'at most 63 letters, digits, dashes, dots and underscores, beginning and ending with a letter or digit';

export function metadataMistakes(object: Readonly<Record<string, unknown>>): MetadataMistake[] {
  const { metadata } = object;
  if (!isRecord(metadata)) return [];
  const { name, generateName, namespace, labels, annotations } = metadata;
  const mistakes: MetadataMistake[] = [];
  const refuse = (field: readonly string[], message: string, expected: string) =>
    mistakes.push({ path: ['metadata', ...field], message, expected });
  // Roles and their bindings may be called system:node.
  const isFree = typeof object.apiVersion === 'string' && object.apiVersion.startsWith('rbac.authorization.k8s.io/');
  if (!isFree && typeof name === 'string' && name !== '' && (name.length > 253 || !NAME.test(name))) {
    refuse(['name'], 'not a legal Kubernetes name', NAME_RULE);
  }
  const hasName = typeof name === 'string' && name !== '';
  if (
    !isFree &&
    !hasName &&
    typeof generateName === 'string' &&
    generateName !== '' &&
    !NAME_START.test(generateName)
  ) {
    refuse(['generateName'], 'names that begin with this are not legal in Kubernetes', NAME_RULE);
  }
  if (
    typeof namespace === 'string' &&
    namespace !== '' &&
    (namespace.length > 63 || !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(namespace))
  ) {
    refuse(['namespace'], 'not a legal namespace name', 'at most 63 lower-case letters, digits and dashes');
  }
  for (const [key, value] of Object.entries(isRecord(labels) ? labels : {})) {
    if (!isLabelKey(key))
      refuse(['labels', key], 'not a legal label key', `${LABEL_RULE}, perhaps after a domain and /`);
    if (typeof value !== 'string') refuse(['labels', key], 'a label must be text', 'text, in quotes');
    else if (value !== '' && !isLabelPart(value)) refuse(['labels', key], 'not a legal label value', LABEL_RULE);
  }
  for (const [key, value] of Object.entries(isRecord(annotations) ? annotations : {})) {
    if (!isLabelKey(key))
      refuse(['annotations', key], 'not a legal annotation key', `${LABEL_RULE}, perhaps after a domain and /`);
    if (typeof value !== 'string') refuse(['annotations', key], 'an annotation must be text', 'text, in quotes');
  }
  return mistakes;
}

function isLabelPart(text: string): boolean {
  return text.length <= 63 && LABEL_NAME.test(text);
}

function isLabelKey(key: string): boolean {
  const [first = '', second, ...rest] = key.split('/');
  if (rest.length > 0) return false;
  return second === undefined ? isLabelPart(first) : first.length <= 253 && NAME.test(first) && isLabelPart(second);
}
