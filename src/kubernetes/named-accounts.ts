/** Finds the service accounts that an object names: Pods, Workflows and their templates, JSON patches. Pure. */
import { isRecord } from './kubernetes-object';

const ACCOUNT_FIELDS: readonly string[] = ['serviceAccountName', 'serviceAccount'];
/** A text that Argo merges into the Pod. */
const PATCH_FIELD = 'podSpecPatch';
const DEFAULT_ACCOUNT = 'default';

export interface NamedAccount {
  /** `spec.templates.0.serviceAccountName` */
  readonly path: string;
  /** Undefined if the value there may name any account. */
  readonly name: string | undefined;
}

/** Returns them in document order. */
export function namedAccounts(value: unknown): readonly NamedAccount[] {
  const found: NamedAccount[] = [];
  // No recursion: the object may be nested deeply.
  const waiting: Array<readonly [path: string, value: unknown]> = [['', value]];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [path, item] = next;
    if (typeof item !== 'object' || item === null) continue;
    const inner = Object.entries(item).map(([field, content]) => [join(path, field), content] as const);
    waiting.push(...inner.reverse());
    if (isRecord(item)) found.push(...accountsOf(path, item));
  }
  return found;
}

function accountsOf(path: string, item: Record<string, unknown>): NamedAccount[] {
  const found = ACCOUNT_FIELDS.filter((field) => item[field] !== undefined && item[field] !== null).map((field) => ({
    path: join(path, field),
    name: textOf(item[field]),
  }));
  if (mayPatchAccount(item[PATCH_FIELD])) found.push({ path: join(path, PATCH_FIELD), name: undefined });
  // One operation of a JSON patch.
  const target = typeof item.op === 'string' && typeof item.path === 'string' ? item.path.split('/').at(-1) : undefined;
  if (target !== undefined && [...ACCOUNT_FIELDS, PATCH_FIELD].includes(target)) {
    found.push({ path: join(path, 'value'), name: target === PATCH_FIELD ? undefined : textOf(item.value) });
  }
  return found;
}

/** Also true for patches that may spell the field differently, or that Argo fills in later. */
function mayPatchAccount(patch: unknown): boolean {
  if (patch === undefined || patch === null) return false;
  return typeof patch !== 'string' || ['serviceAccount', '\\', '{{'].some((part) => patch.includes(part));
}

/** Returns the account that Kubernetes assigns to an object without one; undefined if it names one or runs nothing. */
export function impliedAccount(object: unknown): NamedAccount | undefined {
  if (!isRecord(object) || typeof object.kind !== 'string') return undefined;
  const path = RUNNING_SPECS[object.kind];
  const spec = path?.reduce<unknown>((inner, field) => (isRecord(inner) ? inner[field] : undefined), object);
  if (path === undefined || !isRecord(spec)) return undefined;
  // The template decides for Workflows that refer to it.
  if (spec.workflowTemplateRef !== undefined || ACCOUNT_FIELDS.some((field) => textOf(spec[field]))) return undefined;
  return { path: `${path.join('.')}.serviceAccountName`, name: DEFAULT_ACCOUNT };
}

const POD_TEMPLATE = ['spec', 'template', 'spec'];
const RUNNING_SPECS: Readonly<Record<string, readonly string[]>> = {
  Workflow: ['spec'],
  CronWorkflow: ['spec', 'workflowSpec'],
  Pod: ['spec'],
  Job: POD_TEMPLATE,
  Deployment: POD_TEMPLATE,
  StatefulSet: POD_TEMPLATE,
  DaemonSet: POD_TEMPLATE,
  ReplicaSet: POD_TEMPLATE,
  ReplicationController: POD_TEMPLATE,
  CronJob: ['spec', 'jobTemplate', ...POD_TEMPLATE],
};

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function join(path: string, field: string): string {
  return path === '' ? field : `${path}.${field}`;
}
