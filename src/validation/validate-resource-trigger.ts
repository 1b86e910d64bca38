/** Checks of k8s and argoWorkflow triggers: the object, its source, and the operation on it. */
import { isFields } from '../manifest/fields';
import { describeValue, type Findings } from '../manifest/problem';
import { metadataMistakes, type MetadataMistake } from '../kubernetes/metadata-rules';
import { readArgoArguments } from '../manifest/triggers/argo-arguments';
import type { TriggerSpec } from '../manifest/sensor';
import { RESOURCE_SOURCE_KINDS, type ResourceSource } from '../manifest/triggers/resource-source';
import { requireOneOf } from './validate-common';
import { warnOfDestinations } from './validate-destinations';
import { parseYamlDocuments } from '../yaml/yaml-documents';

/** The newest Workflow, for operations on one that exists. */
const LATEST = '@latest';
const SUBMITTABLE = ['WorkflowTemplate', 'ClusterWorkflowTemplate', 'CronWorkflow'];

export function validateResourceTrigger(trigger: TriggerSpec, kind: 'k8s' | 'argoWorkflow', findings: Findings): void {
  const block = trigger.template[kind];
  if (block === undefined) return;
  const { source } = block;
  requireOneOf(source, RESOURCE_SOURCE_KINDS, 'source of the object', findings.at('source'));
  validateSource(source, findings.at('source'));
  const object = source.resource ?? parseInline(source.inline, findings.at('source', 'inline'));
  if (object !== undefined) {
    validateObject(object, trigger, kind, findings);
    warnOfDestinations(object, block.parameters, findings.at('parameters'));
    warnOfMetadata(object, trigger, kind, findings);
  }
  if (trigger.template.k8s !== undefined && kind === 'k8s') validateK8sOptions(trigger.template.k8s, findings);
  validateArgoArguments(trigger, findings);
}

function validateArgoArguments(trigger: TriggerSpec, findings: Findings): void {
  const { argoWorkflow } = trigger.template;
  if (argoWorkflow?.args === undefined) return;
  const isReplaced = trigger.parameters?.some(({ dest }) => /^argoWorkflow\.(args|operation)\b/.test(dest ?? ''));
  if (isReplaced) return;
  const { mistakes } = readArgoArguments(argoWorkflow.args, argoWorkflow.operation ?? 'submit');
  for (const { index, message, fix } of mistakes) {
    const found = describeValue(argoWorkflow.args[index]);
    findings.at('args', index).error(message, { found, fix });
  }
}

function validateK8sOptions(
  { operation, liveObject, patchStrategy }: NonNullable<TriggerSpec['template']['k8s']>,
  findings: Findings,
): void {
  if (liveObject === true && operation !== 'update') {
    findings.at('liveObject').warning('has no effect: it is for operation update', {
      found: `operation ${operation ?? 'create'}`,
    });
  }
  if (patchStrategy !== undefined && operation !== 'patch') {
    findings.at('patchStrategy').warning('has no effect: it is for operation patch', {
      found: `operation ${operation ?? 'create'}`,
    });
  }
}

function validateSource(source: ResourceSource, findings: Findings): void {
  const { git, s3, url } = source;
  if (url !== undefined && !/^https?:\/\//i.test(url.path)) {
    findings.at('url', 'path').error('not a URL that can be fetched', {
      found: describeValue(url.path),
      expected: 'http://… or https://…',
    });
  }
  if (s3 !== undefined && !s3.bucket.key) {
    findings.at('s3', 'bucket', 'key').error('this field is required', { expected: 'the key of the object to read' });
  }
  if (git === undefined) return;
  for (const field of ['filePath', 'cloneDirectory'] as const) {
    if (/\.\.|~|\\/.test(git[field])) {
      findings.at('git', field).error('must not leave the cloned repository', {
        found: describeValue(git[field]),
        expected: 'a path without "..", "~" and "\\"',
      });
    }
  }
}

function parseInline(text: string | undefined, findings: Findings): Record<string, unknown> | undefined {
  if (text === undefined) return undefined;
  // The check of expressions reports invalid YAML.
  const [source] = parseYamlDocuments(text).documents;
  if (source === undefined) return undefined;
  if (isFields(source.value)) return source.value;
  findings.error('must hold one Kubernetes object', { found: describeValue(source.value) });
  return undefined;
}

function validateObject(
  object: Readonly<Record<string, unknown>>,
  trigger: TriggerSpec,
  kind: 'k8s' | 'argoWorkflow',
  findings: Findings,
): void {
  const isInline = trigger.template[kind]?.source.inline !== undefined;
  const here = isInline ? findings.at('source', 'inline') : findings.at('source', 'resource');
  for (const field of ['apiVersion', 'kind']) {
    if (typeof object[field] === 'string' && object[field] !== '') continue;
    if (isParameterised(trigger, kind, field)) continue;
    here.at(...(isInline ? [] : [field])).error(`the object has no ${field}`, {
      fix: 'Write apiVersion and kind, as for kubectl.',
    });
  }
  const operation = trigger.template[kind]?.operation;
  if (operation === 'submit-from' && typeof object['kind'] === 'string' && !SUBMITTABLE.includes(object['kind'])) {
    here.at(...(isInline ? [] : ['kind'])).error('a workflow cannot be submitted from this kind', {
      found: describeValue(object['kind']),
      expected: `one of ${SUBMITTABLE.join(', ')}`,
      fix: object['kind'] === 'Workflow' ? 'Use operation submit, or resubmit.' : undefined,
    });
  }
  const metadata = isFields(object['metadata']) ? object['metadata'] : {};
  const mayBeGenerated = operation === undefined || operation === 'create' || operation === 'submit';
  const named = Boolean(metadata['name']) || isParameterised(trigger, kind, 'metadata.name');
  const generated = Boolean(metadata['generateName']) || isParameterised(trigger, kind, 'metadata.generateName');
  if (named || (mayBeGenerated && generated)) return;
  here.at(...(isInline ? [] : ['metadata'])).error('the object has no name', {
    expected: mayBeGenerated ? 'metadata.name or metadata.generateName' : `metadata.name, to find what to ${operation}`,
    fix: 'Write it, or set it with a parameter.',
  });
}

/** Metadata that the API server would reject, unless a parameter overwrites it. */
function warnOfMetadata(
  object: Readonly<Record<string, unknown>>,
  trigger: TriggerSpec,
  kind: 'k8s' | 'argoWorkflow',
  findings: Findings,
): void {
  const block = trigger.template[kind];
  const isInline = block?.source.inline !== undefined;
  const at = isInline ? findings.at('source', 'inline') : findings.at('source', 'resource');
  const warn = ({ path, message, expected }: MetadataMistake, value: unknown, here: Findings) => {
    here.warning(`the API server refuses ${path.join('.')}: ${message}`, { found: describeValue(value), expected });
  };
  for (const mistake of metadataMistakes(object)) {
    const value = mistake.path.reduce<unknown>((below, key) => (isFields(below) ? below[key] : undefined), object);
    if (isParameterised(trigger, kind, mistake.path.join('.')) || value === LATEST) continue;
    warn(mistake, value, isInline ? at : at.at(...mistake.path));
  }
  block?.parameters?.forEach(({ src, dest, operation }, index) => {
    const [, field, key] = /^metadata\.(name|generateName|labels)(?:\.(.+))?$/.exec(dest ?? '') ?? [];
    if (
      (field === 'labels') !== (key !== undefined) ||
      field === undefined ||
      operation === 'append' ||
      operation === 'prepend'
    )
      return;
    for (const source of ['dataTemplate', 'contextTemplate', 'value'] as const) {
      // Values from events are not known here: any letter stands for them.
      const text = src[source]?.replace(/\{\{[^]*?\}\}/g, 'x') ?? '';
      const metadata = key === undefined ? { [field]: text } : { labels: { [key.replace(/\\(.)/g, '$1')]: text } };
      const [mistake] = metadataMistakes({ metadata });
      if (mistake === undefined || mistake.message.includes('key')) continue;
      warn(mistake, src[source], findings.at('parameters', index, 'src', source));
    }
  });
}

/** Whether a parameter writes the field of the object, directly or through the template. */
function isParameterised(trigger: TriggerSpec, kind: 'k8s' | 'argoWorkflow', field: string): boolean {
  const own = trigger.template[kind]?.parameters ?? [];
  const inTemplate = `${kind}.source.`;
  return (
    own.some((parameter) => parameter.dest === field || field.startsWith(`${parameter.dest}.`)) ||
    (trigger.parameters ?? []).some((parameter) => parameter.dest?.startsWith(inTemplate))
  );
}
