/** What values set at a retrigger must not change: which object is written, where, and under which account it runs. */
import { SluiceError } from '../../src/errors/sluice-error';
import { isJsonObject, type JsonObject } from '../../src/event/json';
import { isPodPatch, isTemplateReference, namedAccounts } from '../../src/kubernetes/named-accounts';

/** Throws RETRIGGER_REFUSED (permanent) with the names of the fields that would change. Never quotes the values. */
export function refuseChangedIdentity(before: JsonObject, after: JsonObject): void {
  const changed = IDENTITIES.find(({ of }) => JSON.stringify(of(before)) !== JSON.stringify(of(after)));
  if (changed === undefined) return;
  throw new SluiceError('RETRIGGER_REFUSED', {
    message: `the values set at the retrigger would change ${changed.name} of the ${describeKind(before)}`,
    fix: 'Only the Sensor decides this: change and apply it, then retrigger without these values',
  });
}

const IDENTITIES: ReadonlyArray<{ readonly name: string; readonly of: (resource: JsonObject) => unknown }> = [
  { name: 'apiVersion', of: ({ apiVersion }) => apiVersion ?? null },
  { name: 'kind', of: ({ kind }) => kind ?? null },
  { name: 'metadata.namespace', of: ({ metadata }) => (isJsonObject(metadata) ? (metadata.namespace ?? null) : null) },
  { name: 'a service account', of: (resource) => namedAccounts(resource) },
  { name: 'podSpecPatch', of: (resource) => valuesOf(isPodPatch, resource) },
  // A WorkflowTemplate decides about its accounts itself.
  { name: 'a reference to a WorkflowTemplate', of: (resource) => valuesOf(isTemplateReference, resource) },
  { name: 'metadata.name', of: submittedTemplate },
];

function valuesOf(isField: (name: string) => boolean, value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]: [string, unknown]) =>
    isField(name) ? [inner] : valuesOf(isField, inner),
  );
}

/** Returns the name of the template that a Workflow is submitted from. */
function submittedTemplate({ kind, metadata }: JsonObject): unknown {
  const isTemplate = kind === 'WorkflowTemplate' || kind === 'ClusterWorkflowTemplate';
  return isTemplate && isJsonObject(metadata) ? (metadata.name ?? null) : null;
}

function describeKind({ kind }: JsonObject): string {
  return typeof kind === 'string' ? kind : 'object';
}
