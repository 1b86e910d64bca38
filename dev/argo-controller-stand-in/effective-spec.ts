import type { Parameter, WorkflowSpec } from './workflow';

/** Merges a Workflow's own spec over that of its template, as the controller does before it runs the result. */
export function mergeWithTemplate(own: WorkflowSpec, template: WorkflowSpec): WorkflowSpec {
  const merged: WorkflowSpec = { ...template, ...own };
  const parameters = mergeByName(template.arguments?.parameters ?? [], own.arguments?.parameters ?? []);
  if (parameters.length > 0) merged.arguments = { ...template.arguments, ...own.arguments, parameters };
  if (template.templates !== undefined) merged.templates = template.templates;
  return merged;
}

/** Returns the problem with a spec in Argo's words, or undefined. Checks only common mistakes of senders. */
export function findSpecProblem(name: string, spec: WorkflowSpec): string | undefined {
  if (name.length > 63) {
    return `workflow name "${name}" must not be more than 63 characters long (currently ${name.length})`;
  }
  if (spec.entrypoint === undefined) return 'spec.entrypoint is required';
  const unset = spec.arguments?.parameters?.find(
    ({ value, valueFrom }) => value === undefined && valueFrom === undefined,
  );
  if (unset === undefined) return undefined;
  return `spec.arguments.${unset.name}.value or spec.arguments.${unset.name}.valueFrom is required`;
}

/** Returns the node type of the entry template. */
export function entryNodeType(spec: WorkflowSpec): string {
  const entry = spec.templates?.find(({ name }) => name === spec.entrypoint);
  if (entry?.steps !== undefined) return 'Steps';
  if (entry?.dag !== undefined) return 'DAG';
  if (entry?.suspend !== undefined) return 'Suspend';
  return 'Pod';
}

function mergeByName(base: readonly Parameter[], overrides: readonly Parameter[]): Parameter[] {
  const named = new Set(overrides.map(({ name }) => name));
  return [...overrides, ...base.filter(({ name }) => !named.has(name))];
}
