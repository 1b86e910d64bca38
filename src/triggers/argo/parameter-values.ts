/**
 * Argo's full custom resource definitions require strings where its own tools also accept numbers and booleans, and
 * convert them before sending. We do the same: manifests and parameters with `useRawData` write `3`, not `"3"`.
 */
import { withoutMarks, writeExactly } from '../../yaml/exact-numbers';
import { isRecord, type KubernetesObject } from '../../kubernetes/kubernetes-object';

const TEXT_FIELDS = ['value', 'default'] as const;

/** Converts every parameter value, default and enum entry of an Argo object to a string. Returns a copy. */
export function withTextParameters(object: KubernetesObject): KubernetesObject {
  return object.apiVersion.startsWith('argoproj.io/') && 'spec' in object
    ? { ...object, spec: convert(object.spec) }
    : object;
}

function convert(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(convert);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([field, content]) => [
      field,
      field === 'parameters' && Array.isArray(content) ? content.map(convertParameter) : convert(content),
    ]),
  );
}

function convertParameter(parameter: unknown): unknown {
  if (!isRecord(parameter)) return parameter;
  const converted = { ...parameter };
  for (const field of TEXT_FIELDS) {
    if (converted[field] === null) delete converted[field];
    else if (converted[field] !== undefined) converted[field] = toParameterText(converted[field]);
  }
  if (Array.isArray(converted.enum)) converted.enum = converted.enum.map(toParameterText);
  return converted;
}

/** Formats a value: numbers without exponent, as Argo writes them; objects and lists as JSON. */
export function toParameterText(value: unknown): string {
  if (typeof value === 'string') return withoutMarks(value);
  if (typeof value === 'number' && Number.isFinite(value)) return formatNumber(value);
  return writeExactly(value);
}

function formatNumber(value: number): string {
  const text = String(value);
  if (!text.includes('e')) return text;
  if (Number.isInteger(value)) return BigInt(value).toString();
  const [digits = '', exponent = '0'] = String(Math.abs(value)).split('e-');
  const decimals = digits.replace('.', '');
  return `${value < 0 ? '-' : ''}0.${'0'.repeat(Number(exponent) - 1)}${decimals}`;
}
