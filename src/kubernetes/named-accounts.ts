/** Which service accounts an object names, wherever it may: Pods, Workflows and their templates, JSON patches. Pure. */
import { isRecord } from './kubernetes-object';

const ACCOUNT_FIELDS: readonly string[] = ['serviceAccountName', 'serviceAccount'];
/** A text that Argo merges into the Pod. */
const PATCH_FIELD = 'podSpecPatch';
const DEFAULT_ACCOUNT = 'default';

export interface NamedAccount {
  /** `spec.templates.0.serviceAccountName` */
  readonly path: string;
  /** Undefined if what stands there may name any account. */
  readonly name: string | undefined;
}

/** In the order of the document. */
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

/** True also for what could be written in another way, or is filled in by Argo later. */
function mayPatchAccount(patch: unknown): boolean {
  if (patch === undefined || patch === null) return false;
  return typeof patch !== 'string' || ['serviceAccount', '\\', '{{'].some((part) => patch.includes(part));
}

/** The account that Kubernetes takes for a new object that names none. Undefined if it names one, or runs nothing. */
export function impliedAccount(object: unknown): NamedAccount | undefined {
  if (!isRecord(object) || typeof object.kind !== 'string') return undefined;
  const path = RUNNING_SPECS[object.kind];
  const spec = path?.reduce<unknown>((inner, field) => (isRecord(inner) ? inner[field] : undefined), object);
  if (path === undefined || !isRecord(spec)) return undefined;
  // A template decides for the Workflows that refer to it.
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
