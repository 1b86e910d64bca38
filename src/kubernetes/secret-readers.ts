/**
 * Where Secrets and ConfigMaps are looked up, in this order:
 *  1. files, `$SLUICE_SECRETS_DIR/<secret>/<key>` and `$SLUICE_CONFIG_DIR/<configmap>/<key>` (mounted volumes);
 *  2. the environment, `SLUICE_SECRET_<NAME>_<KEY>` and `SLUICE_CONFIG_<NAME>_<KEY>`;
 *  3. the Kubernetes API.
 * The local places come first: they are an explicit choice, and need no cluster.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../error-detail';
import { isSluiceError, SluiceError } from '../errors';
import type { KubernetesAccess } from './access';
import { objectPath } from './object-path';
import { refusalOf } from './refusal';
import type { KeySelector, SecretReader } from './secrets';

export interface SecretReaderOptions {
  /** Left out: the Kubernetes API is not asked. */
  readonly kubernetes?: KubernetesAccess;
  /** Defaults to `process.env`. */
  readonly env?: NodeJS.ProcessEnv;
}

type Kind = 'Secret' | 'ConfigMap';

interface Wanted extends KeySelector {
  readonly kind: Kind;
  readonly namespace: string;
}

/** A place to look in. Answers the value, or in words why there is none; throws only what passes (no answer). */
interface Place {
  look(wanted: Wanted): Promise<{ value: string } | { absent: string }>;
}

/** Long enough for a storm of events to cost one request, short enough that nobody notices after a rotation. */
const CACHE_MS = 10_000;

/** Asks each place again for each value, and removes one newline at the end. Throws SECRET_MISSING naming every place. */
export function createSecretReader(options: SecretReaderOptions = {}): SecretReader {
  const env = options.env ?? process.env;
  const places = [
    createFilePlace(env),
    createEnvironmentPlace(env),
    ...(options.kubernetes ? [createKubernetesPlace(options.kubernetes)] : []),
  ];
  const read = async (wanted: Wanted): Promise<string> => {
    const absences: string[] = [];
    for (const place of places) {
      const found = await place.look(wanted);
      // kubectl and editors like to end files with a newline; Argo Events removes exactly one, too.
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
    message: `${kind} ${namespace}/${name} has no key "${key}" anywhere; looked in: ${absences.join('; ')}`,
    fix:
      kind === 'Secret'
        ? `Create it: kubectl -n ${namespace} create secret generic ${name} --from-literal=${key}=…`
        : `Create it: kubectl -n ${namespace} create configmap ${name} --from-file=${key}=…`,
    context: { kind, namespace, name, key },
  });
}

function createFilePlace(env: NodeJS.ProcessEnv): Place {
  return {
    async look({ kind, name, key }) {
      const variable = kind === 'Secret' ? 'SLUICE_SECRETS_DIR' : 'SLUICE_CONFIG_DIR';
      const root = env[variable];
      if (!root) return { absent: `files (${variable} is not set)` };
      // What Kubernetes allows as a name can neither leave the folder nor reach the hidden ones of a mounted volume.
      if (![name, key].every((part) => /^[-._a-zA-Z0-9]+$/.test(part) && !part.startsWith('..'))) {
        return { absent: 'files (not a legal name)' };
      }
      const path = join(root, name, key);
      try {
        return { value: await readFile(path, 'utf8') };
      } catch (error) {
        const code = errorCode(error);
        return { absent: `${path} (${code === 'ENOENT' ? 'no such file' : code || 'cannot be read'})` };
      }
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
    // What failed, or is not there, is asked for again next time.
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

/** Undefined for what may pass by itself: then the caller should learn that, not that a secret is missing. */
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
