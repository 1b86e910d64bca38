/**
 * Whole numbers beyond 2^53 in a manifest. A field of Argo Events that is a number is read as JavaScript reads it. The
 * object of a trigger belongs to someone else: with such a number, it is kept as `source.inline`, its exact text.
 */
import { isFields } from '../manifest/fields';
import type { TriggerSpec } from '../manifest/sensor';
import type { ResourceSource } from '../manifest/triggers/resource-source';
import { roundNumbers, writeExactly } from '../yaml/exact-numbers';
import type { OtherObject } from './manifest-document';
import type { Manifest } from './parse-manifest';

/** Leaves the marks of exact-numbers.ts only in `source.resource`. */
export function roundFields(value: unknown, parent = '', key = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => roundFields(item, parent, key));
  if (!isFields(value)) return roundNumbers(value);
  if (parent === 'source' && key === 'resource') return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, roundFields(item, key, name)]));
}

export function withExactObjects(manifest: Manifest | OtherObject): Manifest | OtherObject {
  if (manifest.kind !== 'Sensor') return manifest;
  const { object } = manifest;
  const triggers = object.spec.triggers.map(withExactObject);
  return { ...manifest, object: { ...object, spec: { ...object.spec, triggers } } };
}

function withExactObject(trigger: TriggerSpec): TriggerSpec {
  const { template, dlqTrigger } = trigger;
  return {
    ...trigger,
    template: {
      ...template,
      ...(template.k8s && { k8s: { ...template.k8s, source: exactSource(template.k8s.source) } }),
      ...(template.argoWorkflow && {
        argoWorkflow: { ...template.argoWorkflow, source: exactSource(template.argoWorkflow.source) },
      }),
    },
    ...(dlqTrigger && { dlqTrigger: withExactObject(dlqTrigger) }),
  };
}

function exactSource(source: ResourceSource): ResourceSource {
  const { resource, ...others } = source;
  if (resource === undefined || others.inline !== undefined) return source;
  const inline = writeExactly(resource);
  return inline === JSON.stringify(resource) ? source : { ...others, inline };
}
