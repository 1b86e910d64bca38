/** Finds the service accounts that an object names: Pods, Workflows and their templates, JSON patches. Pure. */
import { isRecord } from './kubernetes-object';

/** Go's JSON reader, through which controllers see an object, ignores case: as Unicode does, hence the flag `u`. */
const ACCOUNT_FIELD = /^serviceAccount(Name)?$/iu;
const PATCH_FIELD = /^podSpecPatch$/iu;
const TEMPLATE_FIELD = /^(workflowTemplateRef|templateRef)$/iu;
/** The field itself, or what may spell it otherwise: an escape, a template, a tag of YAML such as `!!binary`. */
const MAY_NAME_ACCOUNT = /serviceAccount|\\|\{\{|!/iu;
const DEFAULT_ACCOUNT = 'default';

export interface NamedAccount {
  /** `spec.templates.0.serviceAccountName` */
  readonly path: string;
  /** Undefined if the value there may name any account. */
  readonly name: string | undefined;
}

/** True for the field whose text Argo merges into the Pod. */
export function isPodPatch(field: string): boolean {
  return PATCH_FIELD.test(field);
}

/** True for the fields that refer to a WorkflowTemplate, which may name accounts of its own. */
export function isTemplateReference(field: string): boolean {
  return TEMPLATE_FIELD.test(field);
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
  const found: NamedAccount[] = [];
  for (const [field, value] of Object.entries(item)) {
    if (value === undefined || value === null) continue;
    if (ACCOUNT_FIELD.test(field)) found.push({ path: join(path, field), name: textOf(value) });
    if (isPodPatch(field) && mayPatchAccount(value)) found.push({ path: join(path, field), name: undefined });
  }
  // One operation of a JSON patch.
  const target = typeof item.op === 'string' && typeof item.path === 'string' ? item.path.split('/').at(-1) : undefined;
  if (target !== undefined && (ACCOUNT_FIELD.test(target) || isPodPatch(target))) {
    found.push({ path: join(path, 'value'), name: isPodPatch(target) ? undefined : textOf(item.value) });
  }
  return found;
}

function mayPatchAccount(patch: unknown): boolean {
  return typeof patch !== 'string' || MAY_NAME_ACCOUNT.test(patch);
}

/** Returns the account that Kubernetes assigns to an object without one; undefined if it names one or runs nothing. */
export function impliedAccount(object: unknown): NamedAccount | undefined {
  if (!isRecord(object) || typeof object.kind !== 'string') return undefined;
  const path = RUNNING_SPECS[object.kind];
  const spec = path?.reduce<unknown>((inner, field) => (isRecord(inner) ? inner[field] : undefined), object);
  if (path === undefined || !isRecord(spec)) return undefined;
  // The template decides for Workflows that refer to it.
  if (
    spec.workflowTemplateRef !== undefined ||
    ['serviceAccountName', 'serviceAccount'].some((field) => textOf(spec[field]))
  )
    return undefined;
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
