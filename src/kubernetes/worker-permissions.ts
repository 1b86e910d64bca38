/**
 * What a worker may do in the cluster, set by its operator. Any caller that reaches Temporal can apply sensors, so RBAC
 * alone would let each of them use all rights of the worker; these lists belong to the worker's environment instead.
 */
import { SluiceError } from '../errors/sluice-error';
import { impliedAccount, namedAccounts } from './named-accounts';
import { isRecord } from './kubernetes-object';

const VARIABLES = {
  namespaces: 'SLUICE_ALLOWED_NAMESPACES',
  kinds: 'SLUICE_ALLOWED_KINDS',
  serviceAccounts: 'SLUICE_ALLOWED_SERVICE_ACCOUNTS',
  secrets: 'SLUICE_ALLOWED_SECRETS',
  withheldSecrets: 'SLUICE_WITHHELD_SECRETS',
} as const;

/** Where those Secrets are. */
const OWN_NAMESPACE = 'SLUICE_SECRETS_NAMESPACE';

type Permission = Exclude<keyof typeof VARIABLES, 'withheldSecrets'>;

/** Omitted fields restrict nothing beyond the rights of the worker's own account. */
export interface WorkerPermissions {
  /** Namespaces in which it reads and writes. If given, it writes nothing outside of namespaces. */
  readonly namespaces?: ReadonlySet<string>;
  /** Resources that it writes, as kubectl names them: `workflows.argoproj.io`, `configmaps`. */
  readonly kinds?: ReadonlySet<string>;
  /** Service accounts under which the objects that it writes may run, and as which triggers may act. */
  readonly serviceAccounts?: ReadonlySet<string>;
  /** Names of the Secrets that it uses. */
  readonly secrets?: ReadonlySet<string>;
  /** Names of Secrets that it never uses for a manifest: its own credentials, and those of the controller. */
  readonly withheldSecrets?: ReadonlySet<string>;
  /** Where they are withheld; everywhere if omitted. */
  readonly ownNamespace?: string;
}

/** The part of a request that is checked. */
export interface CheckedRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}

/** @throws SluiceError USAGE for a variable that is set but holds no names */
export function readPermissions(env: NodeJS.ProcessEnv): WorkerPermissions {
  const ownNamespace = env[OWN_NAMESPACE];
  return {
    namespaces: readNames(env, VARIABLES.namespaces),
    kinds: readNames(env, VARIABLES.kinds),
    serviceAccounts: readNames(env, VARIABLES.serviceAccounts),
    secrets: readNames(env, VARIABLES.secrets),
    withheldSecrets: readNames(env, VARIABLES.withheldSecrets),
    ...(ownNamespace && ownNamespace !== '*' && { ownNamespace }),
  };
}

function readNames(env: NodeJS.ProcessEnv, variable: string): ReadonlySet<string> | undefined {
  const text = env[variable];
  if (text === undefined) return undefined;
  const names = text.split(',').map((name) => name.trim());
  if (names.length === 1 && names[0] === 'none') return new Set();
  if (names.every((name) => /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name))) return new Set(names);
  throw new SluiceError('USAGE', {
    message: `${variable}="${text}": expected names separated by commas, or none`,
    fix: 'Unset it if nothing is to be restricted',
  });
}

/** Throws WORKER_RESTRICTED (permanent) unless the worker may use this Secret. */
export function requireSecret(permissions: WorkerPermissions, namespace: string, name: string): void {
  requireNamespace(permissions, namespace);
  requireAllowed(permissions, 'secrets', name, `Secret ${namespace}/${name}`);
  requireNotWithheld(permissions, namespace, name);
}

function requireNotWithheld(
  { withheldSecrets, ownNamespace }: WorkerPermissions,
  namespace: string | undefined,
  name: string,
): void {
  if (withheldSecrets?.has(name) !== true || (ownNamespace !== undefined && namespace !== ownNamespace)) return;
  throw withheld(`${namespace ?? ''}/${name}`);
}

export function requireNamespace(permissions: WorkerPermissions, namespace: string): void {
  requireAllowed(permissions, 'namespaces', namespace, `namespace ${namespace}`);
}

/** A list or a watch has them all. */
function requireNoSecretsWithheld({ withheldSecrets }: WorkerPermissions): void {
  if (withheldSecrets !== undefined && withheldSecrets.size > 0) throw withheld('lists');
}

function withheld(name: string): SluiceError {
  const variable = VARIABLES.withheldSecrets;
  return new SluiceError('WORKER_RESTRICTED', {
    message: `this worker may not use Secret ${name} for a manifest: ${variable} withholds Sluice's own Secrets`,
    fix: 'Write the values that the manifest needs into a Secret of their own, and name that one',
    context: { setting: variable },
  });
}

/** Throws WORKER_RESTRICTED (permanent) unless the worker may send this request to the Kubernetes API. */
export function requireAllowedRequest(permissions: WorkerPermissions, request: CheckedRequest): void {
  const target = readPath(request.path);
  if (target.plural === undefined) return;
  const resource = target.group === '' ? target.plural : `${target.plural}.${target.group}`;
  const name = target.name ?? nameIn(request.body);
  const isRead = request.method === 'GET';
  if (target.namespace !== undefined) requireNamespace(permissions, target.namespace);
  else if (permissions.namespaces !== undefined && (!isRead || name === undefined)) {
    throw restricted('namespaces', isRead ? `${resource} of all namespaces` : `${resource}, which has no namespace`);
  }
  if (target.isToken) {
    requireAllowed(permissions, 'serviceAccounts', name ?? '', `account ${name ?? ''} of spec.template`);
    return;
  }
  if (resource === 'secrets') {
    requireAllowed(permissions, 'secrets', name ?? '', `Secret ${name ?? 'lists'}`);
    if (name !== undefined) requireNotWithheld(permissions, target.namespace, name);
    else requireNoSecretsWithheld(permissions);
  }
  if (isRead) return;
  requireAllowed(permissions, 'kinds', resource, `writing ${resource}`);
  requireAccounts(permissions, request);
}

function requireAccounts({ serviceAccounts }: WorkerPermissions, { method, body }: CheckedRequest): void {
  if (serviceAccounts === undefined || method === 'DELETE') return;
  const implied = method === 'PATCH' ? undefined : impliedAccount(body);
  for (const { path, name } of [...namedAccounts(body), ...(implied === undefined ? [] : [implied])]) {
    if (name !== undefined && serviceAccounts.has(name)) continue;
    throw restricted('serviceAccounts', `${name === undefined ? 'any account' : `account ${name}`} in ${path}`);
  }
}

function requireAllowed(permissions: WorkerPermissions, permission: Permission, name: string, what: string): void {
  const allowed = permissions[permission];
  if (allowed !== undefined && !allowed.has(name)) throw restricted(permission, what);
}

function restricted(permission: Permission, what: string): SluiceError {
  const variable = VARIABLES[permission];
  return new SluiceError('WORKER_RESTRICTED', {
    message: `this worker may not use ${what}: ${variable} does not allow it`,
    fix: `Change the manifest, or have the owner of the worker add it to ${variable}`,
    context: { setting: variable },
  });
}

interface Target {
  readonly group: string;
  readonly namespace?: string;
  readonly plural?: string;
  readonly name?: string;
  /** The TokenRequest of a service account, with which the worker acts as it. */
  readonly isToken: boolean;
}

function readPath(path: string): Target {
  // `/api/v1/namespaces/x` is an object without a namespace.
  const pattern =
    /^\/(?:api|apis\/([^/]+))\/[^/]+(?:\/namespaces\/([^/]+)(?=\/))?(?:\/([^/]+))?(?:\/([^/]+))?(\/token$)?/;
  const [, group = '', namespace, plural, name, token] = pattern.exec(path) ?? [];
  const decode = (text: string | undefined) => (text === undefined ? undefined : decodeURIComponent(text));
  const isToken = group === '' && plural === 'serviceaccounts' && token !== undefined;
  return { group, namespace: decode(namespace), plural, name: decode(name), isToken };
}

function nameIn(body: unknown): string | undefined {
  const metadata = isRecord(body) ? body.metadata : undefined;
  return isRecord(metadata) && typeof metadata.name === 'string' ? metadata.name : undefined;
}
