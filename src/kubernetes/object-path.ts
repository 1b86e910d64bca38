/** Paths of objects in the Kubernetes API. Names come from events, so each segment is checked before it is sent. */
import { SluiceError } from '../errors/sluice-error';

/**
 * Path of a namespaced or cluster-scoped resource: `/apis/argoproj.io/v1alpha1/namespaces/argo/workflows/x`. Throws
 * KUBERNETES_REFUSED (permanent) for a name or namespace that cannot be a path segment.
 */
export function objectPath(
  resource: { apiVersion: string; plural: string },
  namespace: string | undefined,
  name?: string,
): string {
  const scope = namespace === undefined ? '' : `/namespaces/${segment('metadata.namespace', namespace)}`;
  const object = name === undefined ? '' : `/${segment('metadata.name', name)}`;
  return `${groupPath(resource.apiVersion)}${scope}/${plural(resource.plural)}${object}`;
}

/** A manifest may name it: what is more than a name would be another object, namespace or query. */
function plural(text: string): string {
  if (/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(text)) return text;
  throw refused('resource', text, 'the plural name of a resource, such as workflows');
}

/** Returns `/api/v1` or `/apis/apps/v1`. Throws KUBERNETES_REFUSED (permanent) for an invalid group and version. */
export function groupPath(apiVersion: string): string {
  if (!/^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/)?[a-z0-9]{1,63}$/.test(apiVersion)) {
    throw refused('apiVersion', apiVersion, 'group/version such as apps/v1, or v1');
  }
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

/** The API server's own rule for names in a path (ValidatePathSegmentName). */
function segment(field: string, text: string): string {
  if (text === '.' || text === '..' || /[/%]/.test(text) || text === '') {
    throw refused(field, text, 'a name without "/" and "%"');
  }
  return encodeURIComponent(text);
}

function refused(field: string, found: string, expected: string): SluiceError {
  return new SluiceError('KUBERNETES_REFUSED', {
    message: `${field}: expected ${expected}, found ${JSON.stringify(found.slice(0, 100))}`,
    fix: `Correct ${field}, or the parameter that sets it`,
    context: { status: 422, reason: 'Invalid' },
    retryable: false,
  });
}
