/** The changes and checks that Argo's command line makes before it creates a Workflow. */
import { SluiceError } from '../../errors/sluice-error';
import type { ArgoOptions } from '../../manifest/triggers/argo-arguments';
import { toParameterText } from './parameter-values';
import {
  CREATOR_LABEL,
  ACTOR,
  INSTANCE_ID_LABEL,
  SCHEDULED_TIME_ANNOTATION,
  type Parameter,
  type Workflow,
  type WorkflowSpec,
} from './workflow';

/** Applies the options to a Workflow that is about to be created, in Argo's order. Changes `workflow`. */
export function applySubmitOptions(workflow: Workflow, options: ArgoOptions): void {
  const { spec, metadata } = workflow;
  if (options.entrypoint) spec.entrypoint = options.entrypoint;
  if (options.serviceAccount) spec.serviceAccountName = options.serviceAccount;
  metadata.labels = { ...metadata.labels, ...options.labels };
  overrideParameters(workflow, options.parameters);
  if (options.generateName) metadata.generateName = options.generateName;
  if (options.name) metadata.name = options.name;
  if (options.priority !== undefined) spec.priority = options.priority;
  if (options.instanceId) metadata.labels[INSTANCE_ID_LABEL] = options.instanceId;
  if (options.scheduledTime) {
    metadata.annotations = { ...metadata.annotations, [SCHEDULED_TIME_ANNOTATION]: options.scheduledTime };
  }
  metadata.labels[CREATOR_LABEL] = ACTOR;
}

/**
 * Passed parameters come first, as bare name and value; existing ones with other names follow. So an overridden
 * parameter loses its enum, description and valueFrom, as with Argo.
 */
export function overrideParameters(workflow: Workflow, passed: ArgoOptions['parameters']): void {
  if (passed.length === 0) return;
  override(workflow.spec, passed);
  // Parameters that the controller merged from a template, and that only the template has, are kept.
  const stored = workflow.status?.storedWorkflowTemplateSpec;
  if (stored) override(stored, passed);
}

function override(spec: WorkflowSpec, passed: ArgoOptions['parameters']): void {
  const names = new Set(passed.map(({ name }) => name));
  const kept = (spec.arguments?.parameters ?? []).filter(({ name }) => !names.has(name));
  spec.arguments = {
    ...spec.arguments,
    parameters: [...passed.map(({ name, value }) => ({ name, value })), ...kept],
  };
}

const MAX_NAME_LENGTH = 63;

/**
 * Performs the checks that need no further request. Argo's controller performs the others, and the Workflow then fails
 * with `invalid spec: …`. Throws TRIGGER_REFUSED (permanent).
 */
export function checkWorkflow(workflow: Workflow): void {
  const { name = '', generateName = '' } = workflow.metadata;
  if (name.length > MAX_NAME_LENGTH) {
    throw refuse(`workflow name "${name}" has ${name.length} characters, Argo allows ${MAX_NAME_LENGTH}`);
  }
  if (!name && !generateName) throw refuse('the Workflow has neither metadata.name nor metadata.generateName');
  const { spec } = workflow;
  const parameters = spec.arguments?.parameters ?? [];
  refuseRepeatedNames(parameters);
  if (spec.workflowTemplateRef) {
    if (spec.templates?.length) throw refuse('spec.templates and spec.workflowTemplateRef exclude each other');
    return;
  }
  if (!spec.entrypoint) throw refuse('spec.entrypoint is missing');
  checkArguments(parameters, parameters);
}

/** The same for a Workflow made from a template: the template must have the parameters that are not passed. */
export function checkTemplateArguments(passed: readonly Parameter[], templateSpec: WorkflowSpec): void {
  const declared = templateSpec.arguments?.parameters ?? [];
  const merged = new Map(declared.map((parameter) => [parameter.name, parameter]));
  for (const parameter of passed) merged.set(parameter.name, { ...merged.get(parameter.name), ...parameter });
  checkArguments([...merged.values()], declared);
}

function checkArguments(parameters: readonly Parameter[], declared: readonly Parameter[]): void {
  for (const { name, value, valueFrom } of parameters) {
    if (value === undefined && valueFrom === undefined) {
      throw refuse(`spec.arguments.parameters: "${name}" has neither value nor valueFrom`);
    }
    const allowed = declared.find((parameter) => parameter.name === name)?.enum;
    if (allowed && value !== undefined && !allowed.some((entry) => toParameterText(entry) === toParameterText(value))) {
      throw refuse(`spec.arguments.parameters: the value of "${name}" is not one of its enum`);
    }
  }
}

function refuseRepeatedNames(parameters: readonly Parameter[]): void {
  const seen = new Set<string>();
  for (const { name } of parameters) {
    if (seen.has(name)) throw refuse(`spec.arguments.parameters: "${name}" is given twice`);
    seen.add(name);
  }
}

function refuse(message: string): SluiceError {
  return new SluiceError('TRIGGER_REFUSED', { message, fix: "Correct the trigger's source, parameters or args" });
}
