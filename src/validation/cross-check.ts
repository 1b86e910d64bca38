/** Mistakes that only show when several objects are read together. */
import type { ManifestDocument } from './manifest-document';
import type { Problem } from '../manifest/problem';
import { declaredEvents } from './validate-event-source';

type Known = Extract<ManifestDocument, { kind: 'EventBus' | 'EventSource' | 'Sensor' }>;

export function crossCheck(documents: readonly ManifestDocument[]): Problem[] {
  const known = documents.filter((document): document is Known => document.kind !== 'other');
  return [...findDuplicates(known), ...findDeadDependencies(known), ...findDifferentLimits(known)];
}

/** Two objects of one kind, namespace and name: the second would replace the first. */
function findDuplicates(documents: readonly Known[]): Problem[] {
  const first = new Map<string, Known>();
  return documents.flatMap((document) => {
    const { namespace = '', name } = document.object.metadata;
    const key = [document.kind, namespace, name].join('/');
    const former = first.get(key);
    if (former === undefined) {
      first.set(key, document);
      return [];
    }
    const { file, line } = former.origin;
    return [
      {
        ...placeOf(document, 'metadata.name'),
        severity: 'error' as const,
        message: `${document.kind} ${name} is already defined at ${file}:${line}`,
        fix: 'Rename one of them, remove one, or give them different namespaces.',
      },
    ];
  });
}

/** A sensor that waits for an event which its EventSource, read together with it, does not have. */
function findDeadDependencies(documents: readonly Known[]): Problem[] {
  const problems: Problem[] = [];
  const sources = documents.filter((document) => document.kind === 'EventSource');
  for (const sensor of documents.filter((document) => document.kind === 'Sensor')) {
    sensor.object.spec.dependencies.forEach(({ eventSourceName, eventName }, index) => {
      const source = sources.find(
        ({ object }) =>
          object.metadata.name === eventSourceName && object.metadata.namespace === sensor.object.metadata.namespace,
      );
      const events = source && declaredEvents(source.object.spec).map((event) => event.name);
      if (events === undefined || events.includes(eventName)) return;
      problems.push({
        ...placeOf(sensor, `spec.dependencies[${index}].eventName`),
        severity: 'warning',
        message: `unknown event ${eventName} of EventSource ${eventSourceName}`,
        expected: `one of ${events.join(', ')}`,
      });
    });
  }
  return problems;
}

/** Sensors that share a concurrency group and state different limits: the smallest applies to all of them. */
function findDifferentLimits(documents: readonly Known[]): Problem[] {
  const stated = documents.flatMap((document) => (document.kind === 'Sensor' ? limitsOf(document) : []));
  return stated.flatMap(({ document, annotation, group: { name, limit } }) => {
    const { namespace } = document.object.metadata;
    const others = stated.filter(
      (other) => other.document.object.metadata.namespace === namespace && other.group.name === name,
    );
    const smallest = others.reduce((least, other) => (other.group.limit < least.group.limit ? other : least));
    if (smallest.group.limit === limit) return [];
    return [
      {
        ...placeOf(document, `metadata.annotations.sluice.io/${annotation}`),
        severity: 'warning' as const,
        message: `Sensor ${smallest.document.object.metadata.name} states another limit for concurrency group ${name}; the smallest applies`,
        found: `${limit}, and ${smallest.group.limit} there`,
        fix: 'Write the same limit in every Sensor of the group.',
      },
    ];
  });
}

function limitsOf(document: Extract<Known, { kind: 'Sensor' }>) {
  const { flow, triggerFlows } = document.options;
  const flows = [['', flow] as const, ...Object.entries(triggerFlows).map(([name, own]) => [`.${name}`, own] as const)];
  return flows.flatMap(([suffix, { concurrencyGroup: group }]) =>
    group === undefined ? [] : [{ document, annotation: `concurrency-group${suffix}`, group }],
  );
}

function placeOf(document: Known, path: string): Pick<Problem, 'file' | 'line' | 'object' | 'path'> {
  return { ...document.origin, object: `${document.kind}/${document.object.metadata.name}`, path };
}
