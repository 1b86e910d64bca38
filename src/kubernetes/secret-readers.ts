/**
 * Where Secrets and ConfigMaps are looked up, in this order:
 *  1. files, `$SLUICE_SECRETS_DIR/<namespace>/<secret>/<key>`, the same for `$SLUICE_CONFIG_DIR` (mounted volumes);
 *  2. files `<secret>/<key>`, for one namespace;
 *  3. the environment, `SLUICE_SECRET_<NAME>_<KEY>` and `SLUICE_CONFIG_<NAME>_<KEY>`, for one namespace;
 *  4. the Kubernetes API.
 * Names without a namespace belong to `SLUICE_SECRETS_NAMESPACE`, or to that of the worker's pod: otherwise one tenant
 * could use what is mounted for another. Outside a cluster nothing separates tenants, so they apply to every namespace.
 * The local places come first: they are an explicit choice, and need no cluster.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../errors/foreign-errors';
import { isSluiceError, SluiceError } from '../errors/sluice-error';
import type { KubernetesAccess } from './access';
import { SERVICE_ACCOUNT_DIR } from './load-connection';
import { objectPath } from './object-path';
import { refusalOf } from './refusal';
import type { KeySelector, SecretReader } from './secrets';

export interface SecretReaderOptions {
  /** If omitted, the Kubernetes API is not used. */
  readonly kubernetes?: KubernetesAccess;
  /** Defaults to `process.env`. */
  readonly env?: NodeJS.ProcessEnv;
  /** Where a pod finds its own namespace. */
  readonly serviceAccountDir?: string;
}

type Kind = 'Secret' | 'ConfigMap';

interface Wanted extends KeySelector {
  readonly kind: Kind;
  readonly namespace: string;
}

/** A place to look in. Returns the value, or why there is none; throws only transient errors (no response). */
interface Place {
  look(wanted: Wanted): Promise<{ value: string } | { absent: string }>;
}

/** Long enough that a storm of events costs one request, short enough to go unnoticed after a rotation. */
const CACHE_MS = 10_000;

/** Queries the places for each value, and removes one newline at the end. Throws SECRET_MISSING naming every place. */
export function createSecretReader(options: SecretReaderOptions = {}): SecretReader {
  const env = options.env ?? process.env;
  const unnamed = createUnnamedNamespace(env, options.serviceAccountDir ?? SERVICE_ACCOUNT_DIR);
  const places = [
    createFilePlace(env, '<namespace>/<name>'),
    onlyIn(unnamed, 'files without a namespace', createFilePlace(env, '<name>')),
    onlyIn(unnamed, 'environment', createEnvironmentPlace(env)),
    ...(options.kubernetes ? [createKubernetesPlace(options.kubernetes)] : []),
  ];
  const read = async (wanted: Wanted): Promise<string> => {
    const absences: string[] = [];
    for (const place of places) {
      const found = await place.look(wanted);
      // kubectl and editors often end files with a newline; Argo Events also removes exactly one.
      if ('value' in found) return found.value.replace(/\r?\n$/, '');
      absences.push(found.absent);
    }
    throw missing(wanted, absences);
  };
  return {
    secret: (namespace, { name, key }) => read({ kind: 'Secret', namespace, name, key }),
    configMap: (namespace, { name, key }) => read({ kind: 'ConfigMap', namespace, name, key }),
  };
}

function missing({ kind, namespace, name, key }: Wanted, absences: readonly string[]): SluiceError {
  return new SluiceError('SECRET_MISSING', {
    message: `${kind} ${namespace}/${name} has no key "${key}" anywhere; looked in: ${[...new Set(absences)].join('; ')}`,
    fix:
      kind === 'Secret'
        ? `Create it: kubectl -n ${namespace} create secret generic ${name} --from-literal=${key}=…`
        : `Create it: kubectl -n ${namespace} create configmap ${name} --from-file=${key}=…`,
    context: { kind, namespace, name, key },
  });
}

type FileLayout = '<namespace>/<name>' | '<name>';

function createFilePlace(env: NodeJS.ProcessEnv, layout: FileLayout): Place {
  return {
    async look({ kind, namespace, name, key }) {
      const variable = kind === 'Secret' ? 'SLUICE_SECRETS_DIR' : 'SLUICE_CONFIG_DIR';
      const root = env[variable];
      if (!root) return { absent: `files (${variable} is not set)` };
      // Names that Kubernetes allows can neither leave the folder nor reach the hidden ones of a mounted volume.
      if (![namespace, name, key].every((part) => /^[-._a-zA-Z0-9]+$/.test(part) && !part.startsWith('..'))) {
        return { absent: 'files (not a legal name)' };
      }
      const path = layout === '<name>' ? join(root, name, key) : join(root, namespace, name, key);
      try {
        return { value: await readFile(path, 'utf8') };
      } catch (error) {
        const code = errorCode(error);
        return { absent: `${path} (${code === 'ENOENT' ? 'no such file' : code || 'cannot be read'})` };
      }
    },
  };
}

/** `any`, or the one namespace whose Secrets are in the places without namespaces. */
type UnnamedNamespace = { readonly any: true } | { readonly namespace: string };

function createUnnamedNamespace(env: NodeJS.ProcessEnv, serviceAccountDir: string): () => Promise<UnnamedNamespace> {
  let found: Promise<UnnamedNamespace> | undefined;
  const find = async (): Promise<UnnamedNamespace> => {
    const set = env.SLUICE_SECRETS_NAMESPACE;
    if (set) return set === '*' ? { any: true } : { namespace: set };
    try {
      return { namespace: (await readFile(join(serviceAccountDir, 'namespace'), 'utf8')).trim() };
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
      return { any: true };
    }
  };
  return () => (found ??= find());
}

function onlyIn(unnamed: () => Promise<UnnamedNamespace>, what: string, place: Place): Place {
  return {
    async look(wanted) {
      const held = await unnamed();
      if ('any' in held || held.namespace === wanted.namespace) return await place.look(wanted);
      return { absent: `${what} (only for namespace ${held.namespace}, see SLUICE_SECRETS_NAMESPACE)` };
    },
  };
}

function createEnvironmentPlace(env: NodeJS.ProcessEnv): Place {
  return {
    look({ kind, name, key }) {
      const variable = environmentVariable(kind, name, key);
      const value = env[variable];
      return Promise.resolve(value === undefined ? { absent: `environment ${variable}` } : { value });
    },
  };
}

/** `redis-auth`, `password` → `SLUICE_SECRET_REDIS_AUTH_PASSWORD`. */
function environmentVariable(kind: Kind, name: string, key: string): string {
  const upper = (text: string) => text.toUpperCase().replace(/[^A-Z0-9]/g, '_');
  return `SLUICE_${kind === 'Secret' ? 'SECRET' : 'CONFIG'}_${upper(name)}_${upper(key)}`;
}

interface StoredData {
  data?: Record<string, string>;
  binaryData?: Record<string, string>;
}

function createKubernetesPlace(kubernetes: KubernetesAccess): Place {
  const cache = new Map<string, { readMs: number; object: Promise<StoredData> }>();
  const read = (kind: Kind, namespace: string, name: string): Promise<StoredData> => {
    const id = `${kind}/${namespace}/${name}`;
    const cached = cache.get(id);
    if (cached && Date.now() - cached.readMs < CACHE_MS) return cached.object;
    const object = fetchObject(kubernetes, kind, namespace, name);
    cache.set(id, { readMs: Date.now(), object });
    // A failed or missing look-up is repeated next time.
    object.catch(() => cache.delete(id));
    return object;
  };
  return {
    async look({ kind, namespace, name, key }) {
      try {
        const stored = await read(kind, namespace, name);
        const value = decode(kind, stored, key);
        if (value !== undefined) return { value };
        cache.delete(`${kind}/${namespace}/${name}`);
        return { absent: `the Kubernetes API (${kind} without this key)` };
      } catch (error) {
        const reason = explainAbsence(error);
        if (reason === undefined) throw error;
        return { absent: `the Kubernetes API (${reason})` };
      }
    },
  };
}

async function fetchObject(
  kubernetes: KubernetesAccess,
  kind: Kind,
  namespace: string,
  name: string,
): Promise<StoredData> {
  const { client } = await kubernetes.open();
  const plural = kind === 'Secret' ? 'secrets' : 'configmaps';
  return await client.request<StoredData>({
    method: 'GET',
    path: objectPath({ apiVersion: 'v1', plural }, namespace, name),
  });
}

function decode(kind: Kind, stored: StoredData, key: string): string | undefined {
  const plain = stored.data?.[key];
  if (kind === 'ConfigMap' && plain !== undefined) return plain;
  const encoded = kind === 'Secret' ? plain : stored.binaryData?.[key];
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString('utf8');
}

/** Returns undefined for a transient failure: the caller should see that, not a missing secret. */
function explainAbsence(error: unknown): string | undefined {
  if (isSluiceError(error) && error.code === 'KUBERNETES_MISCONFIGURED' && !error.retryable) return 'not configured';
  switch (refusalOf(error)?.status) {
    case 404:
      return 'not found';
    case 403:
      return 'this worker is not allowed to read it';
    default:
      return undefined;
  }
}
